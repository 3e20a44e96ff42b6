#include <cerrno>
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

#include "base/limits.h"
#include "base/steady_time.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/line_reader.h"
#include "cli/table.h"

namespace freshet::cli {
namespace {

constexpr size_t kBatchRecordsMax = 2'000;
constexpr size_t kBatchBytesMax = 2u << 20;
constexpr int64_t kLingerMs = 50;
constexpr int64_t kProgressIntervalMs = 200;
static_assert(kBatchRecordsMax <= limits::kPushRecordsMax &&
              kBatchBytesMax + limits::kEventBytesMax < limits::kMessageBytesMax);

struct PushArguments {
  std::string source;
  std::string file;
  std::string address;
};

// Gathers lines into batches and sends them one after the other.
class Pusher {
 public:
  Pusher(Client& client, std::string source)
      : client_(client), source_(std::move(source)), shows_progress_(isatty(STDERR_FILENO) == 1) {}

  // To the end of the input. What was sent before an error stays counted.
  Status PushAll(LineReader& reader);

  uint64_t pushed() const { return pushed_; }
  int64_t position() const { return position_; }
  // Records of a batch that went unanswered: they may have been appended or not.
  size_t in_doubt() const { return in_doubt_; }

 private:
  void Add(std::string_view line);
  bool full() const { return ends_.size() >= kBatchRecordsMax || bytes_.size() >= kBatchBytesMax; }
  Status Flush();
  void ShowProgress(bool last);

  Client& client_;
  const std::string source_;
  const bool shows_progress_;
  std::string bytes_;  // of the batch, one record after the other
  std::vector<size_t> ends_;
  int64_t first_added_ms_ = 0;
  int64_t next_progress_ms_ = 0;
  uint64_t pushed_ = 0;
  int64_t position_ = -1;
  size_t in_doubt_ = 0;
};

Status Pusher::PushAll(LineReader& reader) {
  while (true) {
    const int64_t wait_ms =
        ends_.empty() ? -1 : std::max<int64_t>(0, first_added_ms_ + kLingerMs - SteadyMs());
    std::string_view line;
    const auto event = reader.Next(wait_ms, &line);
    if (!event.ok()) {
      FRESHET_RETURN_IF_ERROR(Flush());
      return event.status().Prefixed(fmt::format("line {}", reader.line_number()));
    }
    if (*event == LineReader::Event::kLine) Add(line);
    const bool lingered = !ends_.empty() && SteadyMs() >= first_added_ms_ + kLingerMs;
    if (full() || lingered || *event != LineReader::Event::kLine) FRESHET_RETURN_IF_ERROR(Flush());
    if (*event == LineReader::Event::kEnd) break;
  }
  ShowProgress(true);
  return {};
}

void Pusher::Add(std::string_view line) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
  if (ends_.empty()) first_added_ms_ = SteadyMs();
  bytes_ += line;
  ends_.push_back(bytes_.size());
}

Status Pusher::Flush() {
  if (ends_.empty()) return {};
  std::vector<std::string_view> records;
  records.reserve(ends_.size());
  size_t begin = 0;
  for (size_t end : ends_) {
    records.push_back(std::string_view(bytes_).substr(begin, end - begin));
    begin = end;
  }
  auto position = client_.Push(source_, records);
  if (!position.ok()) {
    const StatusCode code = position.status().code();
    if (code == StatusCode::kUnavailable || code == StatusCode::kDeadlineExceeded)
      in_doubt_ = records.size();
    return position.status();
  }
  pushed_ += records.size();
  position_ = *position;
  bytes_.clear();
  ends_.clear();
  ShowProgress(false);
  return {};
}

void Pusher::ShowProgress(bool last) {
  if (!shows_progress_) return;
  const int64_t now_ms = SteadyMs();
  if (!last && now_ms < next_progress_ms_) return;
  next_progress_ms_ = now_ms + kProgressIntervalMs;
  fmt::print(stderr, "\r{} records pushed{}", Grouped(pushed_), last ? "\n" : "");
  std::fflush(stderr);
}

ExitCode FailPush(const Pusher& pusher, const Status& status) {
  const ExitCode code = Fail("push", status);
  if (pusher.pushed() > 0)
    fmt::print(stderr, "{} records before that were pushed, the last at position {}\n",
               Grouped(pusher.pushed()), pusher.position());
  else
    fmt::print(stderr, "nothing was pushed before that\n");
  if (pusher.in_doubt() > 0)
    fmt::print(stderr, "whether the {} records after them were appended is not known\n",
               pusher.in_doubt());
  return code;
}

ExitCode RunPush(const PushArguments& arguments) {
  int descriptor = STDIN_FILENO;
  if (!arguments.file.empty() && arguments.file != "-") {
    descriptor = open(arguments.file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
      return FailUsage("push",
                       fmt::format("cannot read {}: {}", arguments.file, std::strerror(errno)));
  }
  const auto client = Connect(arguments.address);
  Pusher pusher(*client, arguments.source);
  LineReader reader(descriptor, limits::kEventBytesMax);
  const Status status = pusher.PushAll(reader);
  if (descriptor != STDIN_FILENO) close(descriptor);
  if (!status.ok()) return FailPush(pusher, status);
  if (pusher.pushed() == 0)
    fmt::print(stderr, "freshet push: the input has no records, so nothing was pushed\n");
  else
    fmt::print("position: {}\n", pusher.position());
  return ExitCode::kDone;
}

}  // namespace

Command AddPush(CLI::App& parent) {
  auto arguments = std::make_shared<PushArguments>();
  CLI::App* app = parent.add_subcommand("push", "Append events to a push source");
  app->add_option("SOURCE", arguments->source, "A source that is defined with `push:`")->required();
  app->add_option("FILE", arguments->file, "JSON lines; without it or with -, standard input");
  AddAddress(*app, &arguments->address);
  app->footer(
      "One JSON object a line. Events are durable when they are counted; the position of the last\n"
      "one is printed at the end. Lines of a slow pipe are sent as they come.\n\n"
      "Examples:\n"
      "  freshet push clicks events.jsonl\n"
      "  echo '{\"user_id\": 42, \"kind\": \"view\", \"event_time\": 1767225600000}' | freshet "
      "push "
      "clicks");
  return {app, [arguments] { return RunPush(*arguments); }};
}

}  // namespace freshet::cli
