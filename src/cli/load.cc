#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/connection.h"
#include "cli/load_report.h"
#include "cli/load_run.h"
#include "cli/pipe.h"
#include "cli/unfinished_load.h"
#include "registry/file_format.h"

namespace freshet::cli {
namespace {

Result<RollbackOutcome> Rollback(const LoadArguments& arguments) {
  if (arguments.target.is_server())
    return Connect(arguments.target.address)->Rollback(arguments.view);
  FRESHET_ASSIGN_OR_RETURN(const auto folder, OpenFolder(arguments.target));
  return folder->Rollback(arguments.view);
}

ExitCode RunRollback(const LoadArguments& arguments) {
  const auto outcome = Rollback(arguments);
  if (!outcome.ok()) return Fail("load", outcome.status());
  fmt::print("{}", RenderRolledBack(arguments.view, *outcome, arguments.json));
  return ExitCode::kDone;
}

ExitCode RunDiscard(const LoadArguments& arguments) {
  const Status status = DiscardUnfinished(arguments.target, arguments.discard);
  if (!status.ok()) return Fail("load", status);
  fmt::print("load {} is discarded\n", arguments.discard);
  return ExitCode::kDone;
}

ExitCode FailToResume(const LoadTarget& target, const UnfinishedLoad& unfinished) {
  const ExitCode code = Fail("load", Status::FailedPrecondition(unfinished.obstacle));
  PrintError("load", WayOn(target, unfinished.id, unfinished));
  return code;
}

ExitCode RunResume(LoadArguments arguments) {
  const auto unfinished = FindUnfinished(arguments.target, arguments.resume);
  if (!unfinished.ok()) return Fail("load", unfinished.status());
  if (!unfinished->obstacle.empty()) return FailToResume(arguments.target, *unfinished);
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
  return RunLoadOfRows(arguments);
}

ExitCode RunLoad(const LoadArguments& arguments) {
  if (arguments.discard != 0) return RunDiscard(arguments);
  if (arguments.resume != 0) return RunResume(arguments);
  if (arguments.view.empty()) return FailUsage("load", "VIEW is required");
  if (arguments.rollback) {
    if (arguments.file.empty()) return RunRollback(arguments);
    return FailUsage("load", "--rollback takes no --file: it serves rows that are loaded already");
  }
  if (arguments.file.empty() && arguments.adopt_folder.empty())
    return FailUsage("load", "--file is required");
  return RunLoadOfRows(arguments);
}

// Where the rows come from.
void AddFile(CLI::App& app, LoadArguments& arguments) {
  app.add_option(
         "--file", arguments.file,
         "A file, a folder or a pattern, also as s3://bucket/..., read from this machine and "
         "sent to the server; - is standard input")
      ->type_name("PATH");
  app.add_option(
         "--s3-endpoint", arguments.s3_endpoint,
         "The store that s3:// is about; by default AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or "
         "Amazon's")
      ->type_name("URL");
  app.add_option(
         "--format", arguments.format,
         "csv, jsonl, parquet or arrow; by default what the files' names or else the view's "
         "source say")
      ->check(CLI::IsMember(registry::FileFormatNames()))
      ->type_name("FORMAT");
}

// What becomes of them.
void AddRows(CLI::App& app, LoadArguments& arguments) {
  app.add_flag("--upsert", arguments.upsert,
               "Rows go into what is served, unless a newer row of the key is served; columns that "
               "the file lacks stay as they are");
  app.add_option("--delete-column", arguments.delete_column,
                 "A column of bools: true where the row deletes its entity")
      ->type_name("COLUMN");
  app.add_option("--max-bad-rows", arguments.bad_rows_allowed,
                 "Stop, with nothing changed, when more rows, or a larger share of them, are bad")
      ->type_name("N|P%")
      ->capture_default_str();
  app.add_option("--reject-file", arguments.reject_file,
                 "Write every bad row to this file: file, line and reason as JSON lines")
      ->type_name("FILE");
}

// In the place of a load, or before it, and how its end is told.
void AddOutcome(CLI::App& app, LoadArguments& arguments) {
  app.add_flag("--json", arguments.json, "The report at the end as one JSON object");
  app.add_flag("--dry-run", arguments.dry_run,
               "Change nothing, and show what the rows are like: nulls, least and greatest values, "
               "keys that are new or gone");
  app.add_flag("--rollback", arguments.rollback,
               "Serve again what the view served before its last whole load, in one moment");
}

// Loads that broke off. After the options that they exclude.
void AddUnfinished(CLI::App& app, LoadArguments& arguments) {
  CLI::Option* resume = app.add_option("--resume", arguments.resume,
                                       "Go on with an unfinished load after its last finished "
                                       "part, with its files (or --file, where "
                                       "they are now) and its options");
  resume->type_name("ID")->check(CLI::PositiveNumber);
  CLI::Option* discard =
      app.add_option("--discard", arguments.discard, "Remove what is kept of an unfinished load");
  discard->type_name("ID")->check(CLI::PositiveNumber)->excludes(resume);
  for (const char* other :
       {"--format", "--upsert", "--delete-column", "--max-bad-rows", "--dry-run", "--rollback"}) {
    resume->excludes(app.get_option(other));
    discard->excludes(app.get_option(other));
  }
  discard->excludes(app.get_option("--file"));
}

// Rows that are built here, and rows that were built.
void AddBuildAndAdopt(CLI::App& app, LoadArguments& arguments) {
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

constexpr char kFooter[] =
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
    "  zcat users.csv.gz | freshet load profile --file - --format csv";

}  // namespace

Command AddLoad(CLI::App& parent) {
  auto arguments = std::make_shared<LoadArguments>();
  CLI::App* app = parent.add_subcommand("load", "Load a file into a batch view");
  app->add_option("VIEW", arguments->view, "The feature view");
  AddFile(*app, *arguments);
  AddRows(*app, *arguments);
  AddOutcome(*app, *arguments);
  AddUnfinished(*app, *arguments);
  app->add_option("--data", arguments->target.data_folder,
                  "Load in this process, into a server's data folder, while the server is stopped")
      ->type_name("FOLDER");
  AddAddress(*app, &arguments->target.address);
  AddBuildAndAdopt(*app, *arguments);
  app->footer(kFooter);
  return {app, [arguments] { return RunLoad(*arguments); }};
}

}  // namespace freshet::cli
