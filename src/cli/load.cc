#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <string>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/connection.h"
#include "cli/load_report.h"

namespace freshet::cli {
namespace {

constexpr size_t kChunkBytes = 256u << 10;

struct Arguments {
  std::string view;
  std::string file;
  std::string format;
  std::string bad_rows_share_max = "0";
  std::string address;
};

volatile std::sig_atomic_t interrupted = 0;

// The first Ctrl-C cancels the load; a second one ends the process.
void CancelOnInterrupt() {
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
}

class SourceFile {
 public:
  SourceFile() = default;
  ~SourceFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  SourceFile(const SourceFile&) = delete;
  SourceFile& operator=(const SourceFile&) = delete;

  Status Open(const std::string& path) {
    path_ = path;
    descriptor_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat about = {};
    if (descriptor_ < 0 || fstat(descriptor_, &about) != 0) return Failed();
    if (S_ISDIR(about.st_mode))
      return Status::IoError(fmt::format("cannot read {}: it is a folder", path));
    bytes_ = S_ISREG(about.st_mode) ? static_cast<uint64_t>(about.st_size) : 0;
    return {};
  }

  // Empty at the end.
  Result<std::string> Next() {
    std::string chunk(kChunkBytes, '\0');
    while (true) {
      if (interrupted != 0) return Status::Cancelled("interrupted: nothing was changed");
      const ssize_t got = read(descriptor_, chunk.data(), chunk.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return Failed();
      chunk.resize(static_cast<size_t>(got));
      return chunk;
    }
  }

  // 0 when that is not known.
  uint64_t bytes() const { return bytes_; }

 private:
  Status Failed() const {
    return Status::IoError(fmt::format("cannot read {}: {}", path_, std::strerror(errno)));
  }

  std::string path_;
  int descriptor_ = -1;
  uint64_t bytes_ = 0;
};

ExitCode Run(const Arguments& arguments) {
  LoadRequest request = {.view = arguments.view, .format = arguments.format};
  const auto share = ParseShare(arguments.bad_rows_share_max);
  if (!share.ok()) return FailUsage("load", share.status().Prefixed("--max-bad-rows").message());
  request.bad_rows_share_max = *share;
  CancelOnInterrupt();
  SourceFile file;
  if (Status status = file.Open(arguments.file); !status.ok())
    return FailUsage("load", status.message());

  ProgressDisplay display(file.bytes());
  LoadProgress outcome;
  const Status status =
      Connect(arguments.address)
          ->Load(
              request, [&] { return file.Next(); },
              [&](const LoadProgress& progress) { display.Show(progress); }, &outcome);
  display.Close();
  fmt::print(stderr, "{}", RenderBadRows(arguments.file, outcome));
  if (status.code() == StatusCode::kCancelled && interrupted != 0) {
    PrintError("load", status.message());
    return ExitCode::kInterrupted;
  }
  if (!status.ok()) return Fail("load", status);
  fmt::print("{}", RenderLoaded(arguments.view, outcome, display.elapsed_ms()));
  return ExitCode::kDone;
}

}  // namespace

Command AddLoad(CLI::App& parent) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* app = parent.add_subcommand("load", "Load a file into a batch view");
  app->add_option("VIEW", arguments->view, "The feature view")->required();
  app->add_option("--file", arguments->file,
                  "The file, read on this machine and sent to the server")
      ->type_name("FILE")
      ->required();
  app->add_option("--format", arguments->format,
                  "csv or jsonl; by default what the view's source says")
      ->check(CLI::IsMember(std::array<std::string, 2>{"csv", "jsonl"}))
      ->type_name("FORMAT");
  app->add_option("--max-bad-rows", arguments->bad_rows_share_max,
                  "Stop, with nothing changed, when a larger share is bad")
      ->type_name("SHARE")
      ->capture_default_str();
  AddAddress(*app, &arguments->address);
  app->footer(
      "The file replaces what the view served, all of it in one moment or, when the load fails or "
      "is\n"
      "interrupted, nothing. Bad rows are listed with their line and reason.\n\n"
      "Examples:\n"
      "  freshet load profile --file users.csv\n"
      "  freshet load profile --file users.jsonl --format jsonl --max-bad-rows 1%");
  return {app, [arguments] { return Run(*arguments); }};
}

}  // namespace freshet::cli
