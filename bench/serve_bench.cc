// GetFeatures over a real socket against a bare gRPC echo of the same bytes.
//
// Both servers stand at the same time, each in a process of its own on core 0; the caller is on core
// 1. Rounds alternate between them, so that whatever else the machine does falls on both alike.
// First a closed loop finds what each can answer, then an open loop at half of Freshet's load
// measures latency on both. Ratios are medians over rounds of Freshet's figure by the echo's of the
// same round; the figures beside them are medians over rounds too.
#include <algorithm>
#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "serve_bench_case.h"
#include "serve_bench_client.h"
#include "serve_bench_server.h"

namespace freshet::serve_bench {
namespace {

constexpr int kServerCore = 0;
constexpr int kCallerCore = 1;
constexpr int kRounds = 7;  // odd, so that the median is one of them
constexpr double kOpenLoopShare = 0.5;
constexpr int64_t kWarmUpNs = 500'000'000;

struct Side {
  std::unique_ptr<ServerProcess> server;
  std::unique_ptr<Caller> caller;
  uint64_t requests = 0;
  int64_t cpu_ns = 0;
  // One a round.
  std::vector<double> requests_per_s;
  std::vector<double> p50_us;
  std::vector<double> p99_us;
};

double Median(std::vector<double> figures) {
  const auto middle = figures.begin() + static_cast<std::ptrdiff_t>(figures.size() / 2);
  std::nth_element(figures.begin(), middle, figures.end());
  return *middle;
}

double MedianRatio(const std::vector<double>& above, const std::vector<double>& below) {
  std::vector<double> ratios;
  for (size_t i = 0; i < above.size(); ++i) ratios.push_back(above[i] / below[i]);
  return Median(std::move(ratios));
}

double PercentileUs(const std::vector<int64_t>& sorted_ns, double share) {
  if (sorted_ns.empty()) return 0;
  const auto index = static_cast<size_t>(share * static_cast<double>(sorted_ns.size() - 1));
  return static_cast<double>(sorted_ns[index]) / 1e3;
}

Status StartSide(std::vector<std::string> arguments, std::vector<grpc::ByteBuffer> requests,
                 Side* side) {
  FRESHET_ASSIGN_OR_RETURN(side->server, ServerProcess::Start(std::move(arguments)));
  side->caller = std::make_unique<Caller>(side->server->port(), std::move(requests));
  return Status::Ok();
}

// The size of most answers, once all of them are found right.
Result<size_t> CheckAnswers(const Case& shape, Side& freshet) {
  FRESHET_ASSIGN_OR_RETURN(const std::vector<grpc::ByteBuffer> answers,
                           freshet.caller->AnswerEach());
  std::vector<double> sizes;
  for (const grpc::ByteBuffer& answer : answers) {
    FRESHET_RETURN_IF_ERROR(CheckAnswer(shape, answer));
    sizes.push_back(static_cast<double>(answer.Length()));
  }
  return static_cast<size_t>(Median(std::move(sizes)));
}

Status RunClosedRound(const Case& shape, int64_t duration_ns, Side& side) {
  const int64_t cpu_ns = side.server->CpuNs();
  FRESHET_ASSIGN_OR_RETURN(const ClosedRun run,
                           side.caller->RunClosed(shape.concurrency, duration_ns));
  side.cpu_ns += side.server->CpuNs() - cpu_ns;
  side.requests += run.requests;
  side.requests_per_s.push_back(run.requests_per_s);
  return Status::Ok();
}

Status RunOpenRound(double requests_per_s, int64_t duration_ns, Side& side) {
  FRESHET_ASSIGN_OR_RETURN(const std::vector<int64_t> latencies_ns,
                           side.caller->RunOpen(requests_per_s, duration_ns));
  side.p50_us.push_back(PercentileUs(latencies_ns, 0.5));
  side.p99_us.push_back(PercentileUs(latencies_ns, 0.99));
  return Status::Ok();
}

// Runs `round` on both sides in every round, each side first in turn.
template <typename Round>
Status Alternate(Side& freshet, Side& echo, Round round) {
  for (int i = 0; i < kRounds; ++i) {
    FRESHET_RETURN_IF_ERROR(round(i % 2 == 0 ? freshet : echo));
    FRESHET_RETURN_IF_ERROR(round(i % 2 == 0 ? echo : freshet));
  }
  return Status::Ok();
}

double CpuUs(const Side& side) {
  return static_cast<double>(side.cpu_ns) / 1e3 / static_cast<double>(side.requests);
}

void Report(const Case& shape, const Side& freshet, const Side& echo, double open_requests_per_s,
            size_t request_bytes, size_t response_bytes) {
  fmt::print(
      R"({{"bench":"serve","case":"{}","ratio":{:.3f},"p99_ratio":{:.3f},"requests_per_s":{:.0f},"echo_requests_per_s":{:.0f},)"
      R"("open_requests_per_s":{:.0f},"p50_us":{:.1f},"echo_p50_us":{:.1f},"p99_us":{:.1f},"echo_p99_us":{:.1f},)"
      R"("server_cpu_us":{:.2f},"echo_server_cpu_us":{:.2f},"request_bytes":{},"response_bytes":{}}})"
      "\n",
      shape.name, MedianRatio(freshet.requests_per_s, echo.requests_per_s),
      MedianRatio(freshet.p99_us, echo.p99_us), Median(freshet.requests_per_s),
      Median(echo.requests_per_s), open_requests_per_s, Median(freshet.p50_us), Median(echo.p50_us),
      Median(freshet.p99_us), Median(echo.p99_us), CpuUs(freshet), CpuUs(echo), request_bytes,
      response_bytes);
  std::fflush(stdout);
}

Status RunCase(const Case& shape, double seconds) {
  const std::vector<grpc::ByteBuffer> requests = MakeRequests(shape);
  Side freshet;
  Side echo;
  FRESHET_RETURN_IF_ERROR(
      StartSide({"--server", "freshet", "--case", shape.name}, requests, &freshet));
  FRESHET_ASSIGN_OR_RETURN(const size_t response_bytes, CheckAnswers(shape, freshet));
  FRESHET_RETURN_IF_ERROR(StartSide(
      {"--server", "echo", "--response-bytes", std::to_string(response_bytes)}, requests, &echo));
  for (Side* side : {&freshet, &echo}) {
    FRESHET_RETURN_IF_ERROR(side->caller->RunClosed(shape.concurrency, kWarmUpNs).status());
  }

  const auto round_ns = static_cast<int64_t>(seconds * 1e9 / (4 * kRounds));
  FRESHET_RETURN_IF_ERROR(
      Alternate(freshet, echo, [&](Side& side) { return RunClosedRound(shape, round_ns, side); }));
  const double open_requests_per_s = kOpenLoopShare * Median(freshet.requests_per_s);
  FRESHET_RETURN_IF_ERROR(Alternate(freshet, echo, [&](Side& side) {
    return RunOpenRound(open_requests_per_s, round_ns, side);
  }));
  Report(shape, freshet, echo, open_requests_per_s, requests[0].Length(), response_bytes);
  return Status::Ok();
}

Status RunCaller(const std::string& only_case, double seconds) {
  FRESHET_RETURN_IF_ERROR(PinToCore(kCallerCore));
  for (const Case& shape : AllCases()) {
    if (!only_case.empty() && shape.name != only_case) continue;
    FRESHET_RETURN_IF_ERROR(RunCase(shape, seconds).Prefixed(shape.name));
  }
  return Status::Ok();
}

Status RunServer(const std::string& server, const std::string& case_name, size_t response_bytes) {
  FRESHET_RETURN_IF_ERROR(PinToCore(kServerCore));
  return server == "echo" ? RunEcho(response_bytes) : RunFreshet(*FindCase(case_name));
}

}  // namespace
}  // namespace freshet::serve_bench

int main(int argc, char** argv) {
  namespace bench = freshet::serve_bench;
  double seconds = 10;
  std::string case_name;
  std::string server;
  size_t response_bytes = 0;

  CLI::App app("GetFeatures against a bare gRPC echo of the same bytes; one JSON object a case.");
  app.add_option("--seconds", seconds, "How long to measure each case")
      ->check(CLI::Range(0.5, 600.0));
  std::vector<std::string> names;
  for (const bench::Case& shape : bench::AllCases()) names.push_back(shape.name);
  app.add_option("--case", case_name, "Only this case")->check(CLI::IsMember(names));
  // How this program starts its servers.
  app.add_option("--server", server)->group("")->check(CLI::IsMember({"freshet", "echo"}));
  app.add_option("--response-bytes", response_bytes)->group("");
  CLI11_PARSE(app, argc, argv);

  const freshet::Status status = server.empty()
                                     ? bench::RunCaller(case_name, seconds)
                                     : bench::RunServer(server, case_name, response_bytes);
  if (status.ok()) return 0;
  fmt::print(stderr, "serve_bench: {}\n", status.ToString());
  return 1;
}
