#include "cli/load_run.h"

#include <cstdio>
#include <memory>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "cli/connection.h"
#include "cli/definition_folder.h"
#include "cli/interrupt.h"
#include "cli/load_report.h"
#include "cli/offline_load.h"
#include "cli/pipe.h"
#include "cli/table.h"
#include "engine/load_session.h"
#include "engine/offline_folder.h"
#include "load/file_list.h"
#include "load/file_path.h"
#include "registry/file_format.h"

namespace freshet::cli {
namespace {

// What the parts of a run share.
struct Run {
  const LoadArguments& arguments;
  std::shared_ptr<const registry::Registry> registry;  // of rows that are built
  LoadRequest request;
  RejectFile reject_file;
  LoadProgress outcome;

  bool is_remote() const { return arguments.target.is_server() && registry == nullptr; }
};

Result<StartSession> OpenHere(const Run& run) {
  if (run.registry != nullptr) {
    return StartSession([&run](const LoadRequest& request) {
      return engine::StartBuild(run.registry, request, Options().load_memory_bytes,
                                run.arguments.out_folder);
    });
  }
  FRESHET_ASSIGN_OR_RETURN(auto opened, OpenFolder(run.arguments.target));
  const std::shared_ptr<engine::OfflineFolder> folder = std::move(opened);
  return StartSession([folder](const LoadRequest& request) { return folder->Load(request); });
}

Status LoadPipe(Run& run, Pipe& pipe, ProgressDisplay& display) {
  const auto next_chunk = [&]() -> Result<std::string> {
    FRESHET_RETURN_IF_ERROR(run.reject_file.status());
    return pipe.Next();
  };
  const auto show = [&](const LoadProgress& progress) { display.Show(progress); };
  const auto cancelled = [] { return IsInterrupted(); };
  if (run.is_remote()) {
    return Connect(run.arguments.target.address)
        ->Load(run.request, next_chunk, show, cancelled, &run.outcome);
  }
  FRESHET_ASSIGN_OR_RETURN(const StartSession start, OpenHere(run));
  return LoadOffline(start, run.request, next_chunk, show, cancelled, &run.outcome);
}

Status LoadListed(Run& run, const load::FileList& list, ProgressDisplay& display) {
  std::vector<LoadFile*> files;
  for (const auto& file : list.files) {
    files.push_back(file.get());
    run.request.files.push_back(IdentityOf(*file));
  }
  const auto show = [&](const LoadProgress& progress) { display.Show(progress); };
  const auto cancelled = [&] { return IsInterrupted() || !run.reject_file.status().ok(); };
  if (run.is_remote()) {
    return Connect(run.arguments.target.address)
        ->LoadFiles(run.request, files, show, cancelled, &run.outcome);
  }
  FRESHET_ASSIGN_OR_RETURN(const StartSession start, OpenHere(run));
  return LoadFilesOffline(start, run.request, files, show, cancelled, &run.outcome);
}

// How to go on with a load that failed; empty where that cannot be.
std::string WayOnOf(const Run& run, const Status& status) {
  const uint64_t id = run.outcome.load_id != 0 ? run.outcome.load_id : run.arguments.resume;
  if (status.ok() || id == 0) return "";
  const LoadTarget& target = run.arguments.target;
  return WayOn(target, id, FindUnfinished(target, id));
}

void PrintReport(const Run& run, const Status& status, const ProgressDisplay& display) {
  const LoadArguments& arguments = run.arguments;
  fmt::print(stderr, "{}{}", RenderBadRows(arguments.file, run.outcome),
             RenderBrokenExpectations(arguments.view, run.outcome));
  const int64_t elapsed_ms = display.elapsed_ms();
  if (arguments.json)
    fmt::print("{}", RenderLoadJson(arguments.view, status, run.outcome, arguments.out_folder,
                                    elapsed_ms));
  else if (run.outcome.profile.has_value())
    fmt::print("{}", RenderProfile(arguments.view, run.outcome));
  else if (status.ok())
    fmt::print("{}", RenderLoaded(arguments.view, run.outcome, arguments.out_folder, elapsed_ms));
}

ExitCode TellEnd(const Run& run, const Status& status, const Status& rejects) {
  if (status.code() == StatusCode::kCancelled && IsInterrupted()) {
    const bool has_ended = run.outcome.phase == LoadProgress::Phase::kSort;
    PrintError("load", has_ended ? "interrupted: nothing was changed, unless the server began to "
                                   "publish at that moment (freshet status tells)"
                                 : "interrupted: nothing was changed");
    return ExitCode::kInterrupted;
  }
  if (!rejects.ok()) {
    PrintError("load", status.ok() ? fmt::format("{}; the rows are loaded", rejects.message())
                                   : fmt::format("{}; nothing was changed", rejects.message()));
    return ExitCode::kUsage;
  }
  return status.ok() ? ExitCode::kDone : Fail("load", status);
}

ExitCode Report(Run& run, const Status& status, ProgressDisplay& display) {
  display.Close();
  const Status rejects = run.reject_file.Close();
  PrintReport(run, status, display);
  const ExitCode code = TellEnd(run, status, rejects);
  if (const std::string way_on = WayOnOf(run, status); !way_on.empty()) PrintError("load", way_on);
  return code;
}

// What the arguments ask for; the reject file is opened.
Status Prepare(Run& run) {
  const LoadArguments& arguments = run.arguments;
  run.request.view = arguments.view;
  run.request.format = arguments.format;
  const auto allowed = ParseBadRowsAllowed(arguments.bad_rows_allowed);
  if (!allowed.ok()) return allowed.status().Prefixed("--max-bad-rows");
  run.request.bad_rows_share_max = allowed->share_max;
  run.request.bad_rows_max = allowed->rows_max;
  run.request.dry_run = arguments.dry_run;
  run.request.upsert = arguments.upsert;
  run.request.delete_column = arguments.delete_column;
  run.request.resume = arguments.resume;
  run.request.adopt_folder = arguments.adopt_folder;
  if (arguments.reject_file.empty()) return Status::Ok();
  // What was rejected until the load broke off stays there.
  const bool appends = arguments.resume != 0;
  FRESHET_RETURN_IF_ERROR(
      run.reject_file.Open(arguments.reject_file, appends).Prefixed("--reject-file"));
  run.request.on_bad_row = [&run](const BadRowReport& bad) {
    run.reject_file.Add(run.arguments.file, bad);
  };
  return Status::Ok();
}

ExitCode RunPipe(Run& run) {
  // The name of a named pipe tells as that of a file does.
  if (const auto format = registry::FileFormatOfPath(run.arguments.file);
      run.request.format.empty() && format.has_value())
    run.request.format = registry::FileFormatName(*format);
  Pipe pipe;
  Status status = pipe.Open(run.arguments.file);
  if (status.code() == StatusCode::kIoError) return FailUsage("load", status.message());
  ProgressDisplay display(0);
  if (status.ok()) status = LoadPipe(run, pipe, display);
  return Report(run, status, display);
}

ExitCode RunFiles(Run& run) {
  const LoadArguments& arguments = run.arguments;
  const load::ObjectStoreScope object_stores;
  const auto list = load::ListFiles(arguments.file, {.s3_endpoint = arguments.s3_endpoint});
  if (!list.ok()) return FailUsage("load", list.status().message());
  if (run.request.format.empty()) run.request.format = list->format;
  run.request.origin = {load::PathFromAnywhere(arguments.file), arguments.s3_endpoint};
  ProgressDisplay display(list->bytes);
  const Status status = LoadListed(run, *list, display);
  return Report(run, status, display);
}

ExitCode RunAdoption(Run& run) {
  ProgressDisplay display(0);
  const Status status = LoadListed(run, load::FileList(), display);
  return Report(run, status, display);
}

}  // namespace

ExitCode RunLoadOfRows(const LoadArguments& arguments) {
  Run run = {
      .arguments = arguments, .registry = {}, .request = {}, .reject_file = {}, .outcome = {}};
  if (!arguments.out_folder.empty()) {
    ExitCode exit_code = ExitCode::kDone;
    run.registry = ReadDefinitions("load", arguments.definitions, &exit_code);
    if (run.registry == nullptr) return exit_code;
  }
  if (Status status = Prepare(run); !status.ok()) return FailUsage("load", status.message());
  WatchForInterrupt();
  if (!arguments.adopt_folder.empty()) return RunAdoption(run);
  return Pipe::IsOne(arguments.file) ? RunPipe(run) : RunFiles(run);
}

}  // namespace freshet::cli
