#include <cstdio>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/limits.h"
#include "cli/bench_report.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/interrupt.h"
#include "cli/open_loop.h"
#include "cli/request_pool.h"

namespace freshet::cli {
namespace {

constexpr double kRateMax = 1'000'000;
constexpr double kSecondsMin = 0.1;
constexpr double kSecondsMax = 86'400;
constexpr size_t kConnectionsMax = 1'000;

struct BenchArguments {
  std::string service;
  std::vector<std::string> words;  // key=value ...
  std::string keys;
  double rate = 100;
  double seconds = 10;
  size_t connections = 1;
  size_t rows = 1;
  int64_t timeout_ms = 10'000;
  bool json = false;
  std::string address;
};

Result<RequestPool> MakePool(const BenchArguments& arguments,
                             const ServiceDescription& description) {
  std::vector<std::string> words = arguments.words;
  if (!arguments.keys.empty()) FRESHET_RETURN_IF_ERROR(ReadKeysFile(arguments.keys, &words));
  return RequestPool::Make(words, description, arguments.rows);
}

ExitCode RunBench(const BenchArguments& arguments) {
  const auto client = Connect(arguments.address);
  const auto description = client->DescribeService(arguments.service, {});
  if (!description.ok()) return Fail("bench", description.status());
  const auto pool = MakePool(arguments, *description);
  if (!pool.ok()) return FailUsage("bench", pool.status().message());
  // What is wrong with the request is better said once than counted.
  FeatureResponse response;
  if (Status status = client->GetFeatures(pool->Take(0), &response); !status.ok())
    return Fail("bench", status);

  // It ends the sending.
  const auto* const interrupted = WatchForInterrupt();
  const bool shows_progress = isatty(STDERR_FILENO) == 1;
  int second = 0;
  const OpenLoopOptions options = {.address = arguments.address,
                                   .requests_per_second = arguments.rate,
                                   .duration_ms = static_cast<int64_t>(arguments.seconds * 1'000),
                                   .connections = arguments.connections,
                                   .timeout_ms = arguments.timeout_ms};
  const OpenLoopFigures figures = RunOpenLoop(
      options, [&](uint64_t index) { return pool->Take(index); }, interrupted,
      [&](const OpenLoopFigures& of_a_second) {
        if (shows_progress) fmt::print(stderr, "{}\n", RenderBenchSecond(++second, of_a_second));
      });
  const BenchSubject subject = {.name = arguments.service, .rows = arguments.rows};
  const std::string text = arguments.json ? RenderBenchJson(subject, options, figures)
                                          : RenderBench(subject, options, figures);
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (IsInterrupted()) return ExitCode::kInterrupted;
  return figures.answered > 0 ? ExitCode::kDone : Fail("bench", figures.last_error);
}

}  // namespace

Command AddBench(CLI::App& parent) {
  auto arguments = std::make_shared<BenchArguments>();
  CLI::App* app = parent.add_subcommand("bench", "Measure a server's latency at a steady rate");
  app->add_option("SERVICE", arguments->service, "A feature service")->required();
  app->add_option("KEY=VALUE", arguments->words,
                  "Its join keys and inputs; each request takes the next of several values")
      ->type_name("");
  app->add_option("--keys", arguments->keys, "Join keys and inputs, a JSON object a line")
      ->type_name("FILE");
  app->add_option("--rate", arguments->rate, "Requests a second, whether or not answers keep up")
      ->check(CLI::Range(1.0, kRateMax))
      ->capture_default_str();
  app->add_option("--seconds", arguments->seconds, "How long")
      ->check(CLI::Range(kSecondsMin, kSecondsMax))
      ->capture_default_str();
  app->add_option("--connections", arguments->connections, "Connections that take turns")
      ->check(CLI::Range(size_t{1}, kConnectionsMax))
      ->capture_default_str();
  app->add_option("--rows", arguments->rows, "Entities of one request")
      ->check(CLI::Range(size_t{1}, limits::kEntitiesPerRequestMax))
      ->capture_default_str();
  app->add_option("--timeout-ms", arguments->timeout_ms, "Of one request")
      ->check(CLI::Range(int64_t{1}, limits::kTimeoutMsMax))
      ->capture_default_str();
  app->add_flag("--json", arguments->json, "Print one JSON object");
  AddAddress(*app, &arguments->address);
  app->footer(
      "Latency is counted from the moment at which a request was due, so that a server that "
      "stalls\n"
      "is not spared the requests that had to wait. Ctrl-C ends early and prints what was "
      "measured.\n"
      "\n"
      "Examples:\n"
      "  freshet bench ranking user_id=1,2,3 basket_value=120 --rate 500 --seconds 10\n"
      "  freshet bench ranking --keys users.jsonl --rate 5000 --connections 4 --json");
  return {app, [arguments] { return RunBench(*arguments); }};
}

}  // namespace freshet::cli
