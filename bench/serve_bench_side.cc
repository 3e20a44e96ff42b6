#include "serve_bench_side.h"

#include <algorithm>

namespace freshet::serve_bench {
namespace {

constexpr int64_t kWarmUpNs = 500'000'000;

Status Start(std::vector<std::string> arguments, const Case& shape, Side* side) {
  FRESHET_ASSIGN_OR_RETURN(side->server, ServerProcess::Start(std::move(arguments)));
  std::vector<grpc::ByteBuffer> requests = MakeRequests(shape);
  side->request_bytes = requests[0].Length();
  side->concurrency = shape.concurrency;
  side->is_busy = shape.is_busy();
  side->caller = std::make_unique<Caller>(side->server->port(), std::move(requests));
  return Status::Ok();
}

Status WarmUp(Side& side) {
  return side.caller->RunClosed(side.concurrency, kWarmUpNs).status();
}

}  // namespace

Status StartFreshet(const Case& shape, Side* side) {
  FRESHET_RETURN_IF_ERROR(Start({"--server", "freshet", "--shape", shape.name}, shape, side));
  FRESHET_ASSIGN_OR_RETURN(const std::vector<grpc::ByteBuffer> answers, side->caller->AnswerEach());
  std::vector<double> sizes;
  for (const grpc::ByteBuffer& answer : answers) {
    FRESHET_RETURN_IF_ERROR(CheckAnswer(shape, answer));
    sizes.push_back(static_cast<double>(answer.Length()));
  }
  side->response_bytes = static_cast<size_t>(Median(std::move(sizes)));
  return WarmUp(*side);
}

Status StartBare(std::vector<std::string> arguments, const Case& shape, const Side& like,
                 Side* side) {
  arguments.insert(arguments.end(), {"--response-bytes", std::to_string(like.response_bytes)});
  FRESHET_RETURN_IF_ERROR(Start(std::move(arguments), shape, side));
  return WarmUp(*side);
}

Status RunClosedRound(int64_t duration_ns, Side& side) {
  const int64_t cpu_ns = side.server->CpuNs();
  FRESHET_ASSIGN_OR_RETURN(const ClosedRun run,
                           side.caller->RunClosed(side.concurrency, duration_ns));
  side.cpu_ns += side.server->CpuNs() - cpu_ns;
  side.requests += run.requests;
  side.requests_per_s.push_back(run.requests_per_s);
  return Status::Ok();
}

Status RunOpenRound(double requests_per_s, int64_t duration_ns, Side& side) {
  FRESHET_ASSIGN_OR_RETURN(const OpenRun run, side.caller->RunOpen(requests_per_s, duration_ns));
  side.refused += run.refused_ns.size();
  side.p50_us.push_back(PercentileUs(run.answered_ns, 0.5));
  side.p99_us.push_back(PercentileUs(run.answered_ns, 0.99));
  return Status::Ok();
}

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

}  // namespace freshet::serve_bench
