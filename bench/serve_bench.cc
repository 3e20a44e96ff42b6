// GetFeatures over a real socket against a bare gRPC echo of the same bytes, or against a Freshet that
// has or does something else.
//
// Both servers stand at the same time, each in a process of its own on core 0; the caller is on core
// 1. Rounds alternate between them, so that whatever else the machine does falls on both alike.
// First a closed loop finds what each can answer, then an open loop at half of the lesser one's load
// measures latency on both. Ratios are medians over rounds of Freshet's figure by the other's of the
// same round, but for "cpu_ratio": the other's processor time for a request by Freshet's. The figures
// beside them are medians over rounds too.
#include <algorithm>
#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "serve_bench_case.h"
#include "serve_bench_overload.h"
#include "serve_bench_server.h"
#include "serve_bench_side.h"

namespace freshet::serve_bench {
namespace {

constexpr int kServerCore = 0;
constexpr int kCallerCore = 1;
constexpr int kRounds = 7;  // odd, so that the median is one of them
constexpr double kOpenLoopShare = 0.5;

// What is measured: a shape, and what beside it.
struct Comparison {
  std::string name;
  std::string shape;
  std::string against;    // "echo", "multiget", or the shape of another Freshet
  bool is_large = false;  // takes gigabytes of memory and minutes: only when it is asked for
};

const std::vector<Comparison>& AllComparisons() {
  static const std::vector<Comparison> comparisons = {
      {"1x20", "1x20", "echo"},
      {"1x250", "1x250", "echo"},
      {"100x50", "100x50", "echo"},
      {"disk", "disk", "multiget"},
      {"busy", "busy", "1x20"},
      {"loading", "loading", "1x20", true},
      {"derived", "3-derived", "1x20"},
      {"entities", "1000000-entities", "100000-entities"},
      {"many-entities", "10000000-entities", "1000000-entities", true},
      {"definitions", "980-features-more", "1x20"},
      {"windows", "10-windows", "1-window"},
  };
  return comparisons;
}
constexpr char kOverload[] = "overload";
constexpr char kOverloadShape[] = "1000x50";

// Runs `round` on both sides in every round, each side first in turn.
template <typename Round>
Status Alternate(Side& freshet, Side& echo, Round round) {
  for (int i = 0; i < 2 * kRounds; ++i) {
    // First, second, second, first, ...
    Side& side = (i + 1) / 2 % 2 == 0 ? freshet : echo;
    if (side.is_busy) side.server->BeginBusiness();
    const Status status = round(side);
    if (side.is_busy) side.server->EndBusiness();
    FRESHET_RETURN_IF_ERROR(status);
  }
  return Status::Ok();
}

void Report(const Comparison& comparison, const Side& side, const Side& other,
            double open_requests_per_s) {
  fmt::print(
      R"({{"bench":"serve","case":"{}","against":"{}","ratio":{:.3f},"p99_ratio":{:.3f},"cpu_ratio":{:.3f},"requests_per_s":{:.0f},)"
      R"("against_requests_per_s":{:.0f},"open_requests_per_s":{:.0f},"p50_us":{:.1f},"against_p50_us":{:.1f},"p99_us":{:.1f},)"
      R"("against_p99_us":{:.1f},"server_cpu_us":{:.2f},"against_server_cpu_us":{:.2f},"request_bytes":{},"response_bytes":{},"refused":{}}})"
      "\n",
      comparison.name, comparison.against, MedianRatio(side.requests_per_s, other.requests_per_s),
      MedianRatio(side.p99_us, other.p99_us), other.cpu_us() / side.cpu_us(),
      Median(side.requests_per_s), Median(other.requests_per_s), open_requests_per_s,
      Median(side.p50_us), Median(other.p50_us), Median(side.p99_us), Median(other.p99_us),
      side.cpu_us(), other.cpu_us(), side.request_bytes, side.response_bytes, side.refused);
  std::fflush(stdout);
}

Status StartOther(const Comparison& comparison, const Case& shape, const Side& side, Side* other) {
  if (const Case* another = FindCase(comparison.against)) return StartFreshet(*another, other);
  return StartBare({"--server", comparison.against, "--shape", shape.name}, shape, side, other);
}

Status Compare(const Comparison& comparison, double seconds) {
  const Case& shape = *FindCase(comparison.shape);
  Side side;
  Side other;
  FRESHET_RETURN_IF_ERROR(StartFreshet(shape, &side));
  FRESHET_RETURN_IF_ERROR(StartOther(comparison, shape, side, &other));
  const auto round_ns = static_cast<int64_t>(seconds * 1e9 / (4 * kRounds));
  FRESHET_RETURN_IF_ERROR(
      Alternate(side, other, [&](Side& one) { return RunClosedRound(round_ns, one); }));
  const double open_requests_per_s =
      kOpenLoopShare * std::min(Median(side.requests_per_s), Median(other.requests_per_s));
  FRESHET_RETURN_IF_ERROR(Alternate(
      side, other, [&](Side& one) { return RunOpenRound(open_requests_per_s, round_ns, one); }));
  Report(comparison, side, other, open_requests_per_s);
  return Status::Ok();
}

Status RunCaller(const std::string& only_case, double seconds) {
  FRESHET_RETURN_IF_ERROR(PinToCore(kCallerCore));
  for (const Comparison& comparison : AllComparisons()) {
    if (only_case.empty() ? comparison.is_large : comparison.name != only_case) continue;
    FRESHET_RETURN_IF_ERROR(Compare(comparison, seconds).Prefixed(comparison.name));
  }
  if (!only_case.empty() && only_case != kOverload) return Status::Ok();
  return RunOverload(*FindCase(kOverloadShape), seconds).Prefixed(kOverload);
}

Status RunServer(const std::string& server, const std::string& shape_name, size_t response_bytes) {
  FRESHET_RETURN_IF_ERROR(PinToCore(kServerCore));
  const Case* shape = FindCase(shape_name);
  if (shape == nullptr) return Status::InvalidArgument("no shape is called " + shape_name);
  if (server == "echo") return RunEcho(response_bytes);
  return server == "multiget" ? RunMultiGet(response_bytes, *shape) : RunFreshet(*shape);
}

}  // namespace
}  // namespace freshet::serve_bench

int main(int argc, char** argv) {
  namespace bench = freshet::serve_bench;
  double seconds = 10;
  std::string case_name;
  std::string server;
  std::string shape;
  size_t response_bytes = 0;

  CLI::App app("GetFeatures against a bare gRPC echo of the same bytes; one JSON object a case.");
  app.add_option("--seconds", seconds, "How long to measure each case")
      ->check(CLI::Range(0.5, 600.0));
  std::vector<std::string> names;
  for (const bench::Comparison& comparison : bench::AllComparisons())
    names.push_back(comparison.name);
  names.emplace_back(bench::kOverload);
  app.add_option("--case", case_name, "Only this case")->check(CLI::IsMember(names));
  // How this program starts its servers.
  app.add_option("--server", server)
      ->group("")
      ->check(CLI::IsMember({"freshet", "echo", "multiget"}));
  app.add_option("--shape", shape)->group("");
  app.add_option("--response-bytes", response_bytes)->group("");
  CLI11_PARSE(app, argc, argv);

  const freshet::Status status = server.empty() ? bench::RunCaller(case_name, seconds)
                                                : bench::RunServer(server, shape, response_bytes);
  if (status.ok()) return 0;
  fmt::print(stderr, "serve_bench: {}\n", status.ToString());
  return 1;
}
