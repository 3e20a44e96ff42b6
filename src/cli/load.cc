#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/connection.h"
#include "cli/definition_folder.h"
#include "cli/load_report.h"
#include "cli/offline_load.h"
#include "cli/table.h"
#include "cli/unfinished_load.h"
#include "engine/load_session.h"
#include "engine/offline_folder.h"
#include "load/file_list.h"
#include "load/file_path.h"
#include "registry/file_format.h"

namespace freshet::cli {
namespace {

constexpr size_t kChunkBytes = 256u << 10;
constexpr std::string_view kStandardInput = "-";

struct Arguments {
  std::string view;
  std::string file;
  std::string s3_endpoint;
  std::string format;
  std::string bad_rows_allowed = "0";
  std::string reject_file;
  bool json = false;
  bool rollback = false;
  bool dry_run = false;
  bool upsert = false;
  std::string delete_column;
  uint64_t resume = 0;   // a load's number
  uint64_t discard = 0;  // likewise
  LoadTarget target;
  std::string out_folder;  // not loaded but built here, of the views of `definitions`
  std::string definitions;
  std::string adopt_folder;  // in the place of a file
};

volatile std::sig_atomic_t interrupted = 0;

// The first Ctrl-C cancels the load; a second one ends the process.
void CancelOnInterrupt() {
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
}

// Bytes that come front to back and cannot be read twice: standard input, a named pipe.
class Pipe {
 public:
  Pipe() = default;
  ~Pipe() {
    if (descriptor_ > STDERR_FILENO) close(descriptor_);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  static bool IsOne(const std::string& path) {
    struct stat about = {};
    return path == kStandardInput ||
           (stat(path.c_str(), &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode));
  }

  Status Open(const std::string& path) {
    path_ = path;
    descriptor_ = path == kStandardInput ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ >= 0) return Status::Ok();
    // A named pipe opens once somebody writes to it.
    return interrupted != 0 ? Interrupted() : Failed();
  }

  // Empty at the end.
  Result<std::string> Next() {
    std::string chunk(kChunkBytes, '\0');
    while (true) {
      if (interrupted != 0) return Interrupted();
      const ssize_t got = read(descriptor_, chunk.data(), chunk.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return Failed();
      chunk.resize(static_cast<size_t>(got));
      return chunk;
    }
  }

 private:
  static Status Interrupted() { return Status::Cancelled("interrupted: nothing was changed"); }
  Status Failed() const {
    return Status::IoError(fmt::format("cannot read {}: {}", path_, std::strerror(errno)));
  }

  std::string path_;
  int descriptor_ = -1;
};

// One load from the command line: what its parts share.
struct Run {
  const Arguments& arguments;
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
  const auto cancelled = [] { return interrupted != 0; };
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
  const auto cancelled = [&] { return interrupted != 0 || !run.reject_file.status().ok(); };
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
  const Arguments& arguments = run.arguments;
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
  if (status.code() == StatusCode::kCancelled && interrupted != 0) {
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
  const Arguments& arguments = run.arguments;
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

Result<RollbackOutcome> Rollback(const Arguments& arguments) {
  if (arguments.target.is_server())
    return Connect(arguments.target.address)->Rollback(arguments.view);
  FRESHET_ASSIGN_OR_RETURN(const auto folder, OpenFolder(arguments.target));
  return folder->Rollback(arguments.view);
}

ExitCode RunRollback(const Arguments& arguments) {
  const auto outcome = Rollback(arguments);
  if (!outcome.ok()) return Fail("load", outcome.status());
  fmt::print("{}", RenderRolledBack(arguments.view, *outcome, arguments.json));
  return ExitCode::kDone;
}

ExitCode RunDiscard(const Arguments& arguments) {
  const Status status = DiscardUnfinished(arguments.target, arguments.discard);
  if (!status.ok()) return Fail("load", status);
  fmt::print("load {} is discarded\n", arguments.discard);
  return ExitCode::kDone;
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
  const Arguments& arguments = run.arguments;
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

ExitCode RunRead(const Arguments& arguments) {
  Run run = {
      .arguments = arguments, .registry = {}, .request = {}, .reject_file = {}, .outcome = {}};
  if (!arguments.out_folder.empty()) {
    ExitCode exit_code = ExitCode::kDone;
    run.registry = ReadDefinitions("load", arguments.definitions, &exit_code);
    if (run.registry == nullptr) return exit_code;
  }
  if (Status status = Prepare(run); !status.ok()) return FailUsage("load", status.message());
  CancelOnInterrupt();
  if (!arguments.adopt_folder.empty()) return RunAdoption(run);
  return Pipe::IsOne(arguments.file) ? RunPipe(run) : RunFiles(run);
}

ExitCode RunResume(Arguments arguments) {
  const auto unfinished = FindUnfinished(arguments.target, arguments.resume);
  if (!unfinished.ok()) return Fail("load", unfinished.status());
  if (!arguments.view.empty() && arguments.view != unfinished->view) {
    return FailUsage("load", fmt::format("load {} is one of {}, not of {}", arguments.resume,
                                         unfinished->view, arguments.view));
  }
  arguments.view = unfinished->view;
  if (arguments.file.empty()) arguments.file = unfinished->origin.path;
  if (arguments.s3_endpoint.empty()) arguments.s3_endpoint = unfinished->origin.s3_endpoint;
  if (Pipe::IsOne(arguments.file)) {
    return FailUsage("load",
                     "--resume reads the files that the load began with; what comes through a pipe "
                     "cannot be read again");
  }
  return RunRead(arguments);
}

ExitCode RunLoad(const Arguments& arguments) {
  if (arguments.discard != 0) return RunDiscard(arguments);
  if (arguments.resume != 0) return RunResume(arguments);
  if (arguments.view.empty()) return FailUsage("load", "VIEW is required");
  if (arguments.rollback) {
    if (arguments.file.empty()) return RunRollback(arguments);
    return FailUsage("load", "--rollback takes no --file: it serves rows that are loaded already");
  }
  if (arguments.file.empty() && arguments.adopt_folder.empty())
    return FailUsage("load", "--file is required");
  return RunRead(arguments);
}

// Rows that are built here, and rows that were built.
void AddBuildAndAdopt(CLI::App& app, Arguments& arguments) {
  CLI::Option* out =
      app.add_option(
             "--out", arguments.out_folder,
             "Build the rows in this folder, empty or absent, for a server to adopt later: no "
             "server and no data folder is needed")
          ->type_name("FOLDER");
  CLI::Option* definitions =
      app.add_option("--definitions", arguments.definitions,
                     "With --out: the folder of YAML files, or the one, that define the view")
          ->type_name("DIR");
  CLI::Option* adopt =
      app.add_option("--adopt", arguments.adopt_folder,
                     "Load the rows that --out built in this folder of the server's machine, below "
                     "its load.adopt_from; with --data, of this machine, anywhere")
          ->type_name("FOLDER");
  out->needs(definitions);
  definitions->needs(out);
  for (const char* other :
       {"--upsert", "--dry-run", "--rollback", "--resume", "--discard", "--data", "--adopt"})
    out->excludes(app.get_option(other));
  for (const char* other :
       {"--file", "--s3-endpoint", "--format", "--upsert", "--delete-column", "--max-bad-rows",
        "--reject-file", "--rollback", "--resume", "--discard"})
    adopt->excludes(app.get_option(other));
}

}  // namespace

Command AddLoad(CLI::App& parent) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* app = parent.add_subcommand("load", "Load a file into a batch view");
  app->add_option("VIEW", arguments->view, "The feature view");
  app->add_option(
         "--file", arguments->file,
         "A file, a folder or a pattern, also as s3://bucket/..., read from this machine and "
         "sent to the server; - is standard input")
      ->type_name("PATH");
  app->add_option(
         "--s3-endpoint", arguments->s3_endpoint,
         "The store that s3:// is about; by default AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or "
         "Amazon's")
      ->type_name("URL");
  app->add_option(
         "--format", arguments->format,
         "csv, jsonl, parquet or arrow; by default what the files' names or else the view's "
         "source say")
      ->check(CLI::IsMember(registry::FileFormatNames()))
      ->type_name("FORMAT");
  app->add_flag(
      "--upsert", arguments->upsert,
      "Rows go into what is served, unless a newer row of the key is served; columns that "
      "the file lacks stay as they are");
  app->add_option("--delete-column", arguments->delete_column,
                  "A column of bools: true where the row deletes its entity")
      ->type_name("COLUMN");
  app->add_option("--max-bad-rows", arguments->bad_rows_allowed,
                  "Stop, with nothing changed, when more rows, or a larger share of them, are bad")
      ->type_name("N|P%")
      ->capture_default_str();
  app->add_option("--reject-file", arguments->reject_file,
                  "Write every bad row to this file: file, line and reason as JSON lines")
      ->type_name("FILE");
  app->add_flag("--json", arguments->json, "The report at the end as one JSON object");
  app->add_flag(
      "--dry-run", arguments->dry_run,
      "Change nothing, and show what the rows are like: nulls, least and greatest values, "
      "keys that are new or gone");
  app->add_flag("--rollback", arguments->rollback,
                "Serve again what the view served before its last whole load, in one moment");
  CLI::Option* resume = app->add_option("--resume", arguments->resume,
                                        "Go on with an unfinished load after its last finished "
                                        "part, with its files (or --file, where "
                                        "they are now) and its options");
  resume->type_name("ID")->check(CLI::PositiveNumber);
  CLI::Option* discard =
      app->add_option("--discard", arguments->discard, "Remove what is kept of an unfinished load");
  discard->type_name("ID")->check(CLI::PositiveNumber)->excludes(resume);
  for (const char* other :
       {"--format", "--upsert", "--delete-column", "--max-bad-rows", "--dry-run", "--rollback"}) {
    resume->excludes(app->get_option(other));
    discard->excludes(app->get_option(other));
  }
  discard->excludes(app->get_option("--file"));
  app->add_option("--data", arguments->target.data_folder,
                  "Load in this process, into a server's data folder, while the server is stopped")
      ->type_name("FOLDER");
  AddAddress(*app, &arguments->target.address);
  AddBuildAndAdopt(*app, *arguments);
  app->footer(
      "What is loaded replaces what the view served, all of it in one moment or, when the load "
      "fails\n"
      "or is interrupted, nothing. Bad rows are listed with their line and reason. What an "
      "interrupted\n"
      "load of files has finished is kept for a day: --resume goes on, --discard removes it.\n\n"
      "Examples:\n"
      "  freshet load profile --file users.csv\n"
      "  freshet load profile --file users.jsonl --max-bad-rows 1% --reject-file rejects.jsonl\n"
      "  freshet load profile --file 'users/*.parquet'\n"
      "  freshet load profile --file 's3://warehouse/users/*.parquet'\n"
      "  freshet load profile --file users.csv --dry-run\n"
      "  freshet load profile --file changes.csv --upsert --delete-column is_deleted\n"
      "  freshet load profile --file users.csv --data /var/lib/freshet\n"
      "  freshet load profile --file users.csv --out built --definitions definitions\n"
      "  freshet load profile --adopt built\n"
      "  freshet load --rollback profile\n"
      "  freshet load --resume 17       # freshet status shows unfinished loads\n"
      "  zcat users.csv.gz | freshet load profile --file - --format csv");
  return {app, [arguments] { return RunLoad(*arguments); }};
}

}  // namespace freshet::cli
