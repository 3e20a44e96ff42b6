#include "serve_bench_overload.h"

#include <cstdio>

#include <fmt/format.h>

#include "serve_bench_side.h"

namespace freshet::serve_bench {
namespace {

constexpr int kOverloadRounds = 5;
constexpr double kOffered[] = {0.5, 1, 10};  // times the capacity

// Of one load, one figure a round.
struct Load {
  std::vector<double> p99_us;
  std::vector<double> answered_per_s;
  std::vector<double> refused_p99_us;
};

Status RunLoad(double requests_per_s, int64_t duration_ns, Side& side, Load* load) {
  FRESHET_ASSIGN_OR_RETURN(const OpenRun run, side.caller->RunOpen(requests_per_s, duration_ns));
  load->p99_us.push_back(PercentileUs(run.answered_ns, 0.99));
  load->answered_per_s.push_back(static_cast<double>(run.answered_ns.size()) * 1e9 /
                                 static_cast<double>(run.duration_ns));
  load->refused_p99_us.push_back(PercentileUs(run.refused_ns, 0.99));
  return Status::Ok();
}

}  // namespace

Status RunOverload(const Case& shape, double seconds) {
  Side side;
  FRESHET_RETURN_IF_ERROR(StartFreshet(shape, &side));
  const auto round_ns =
      static_cast<int64_t>(seconds * 1e9 / (kOverloadRounds * (std::size(kOffered) + 1)));
  std::vector<Load> loads(std::size(kOffered));
  for (int round = 0; round < kOverloadRounds; ++round)
    FRESHET_RETURN_IF_ERROR(RunClosedRound(round_ns, side));
  for (int round = 0; round < kOverloadRounds; ++round) {
    for (size_t i = 0; i < loads.size(); ++i) {
      const double requests_per_s = kOffered[i] * Median(side.requests_per_s);
      FRESHET_RETURN_IF_ERROR(RunLoad(requests_per_s, round_ns, side, &loads[i]));
    }
  }
  const Load& half = loads[0];
  const Load& full = loads[1];
  const Load& tenfold = loads[2];
  fmt::print(
      R"({{"bench":"serve","case":"overload","p99_to_half_load":{:.3f},"p99_to_full_load":{:.3f},"answered_to_capacity":{:.3f},)"
      R"("capacity_per_s":{:.0f},"half_p99_us":{:.0f},"full_p99_us":{:.0f},"tenfold_p99_us":{:.0f},"tenfold_refused_p99_us":{:.0f}}})"
      "\n",
      MedianRatio(tenfold.p99_us, half.p99_us), MedianRatio(tenfold.p99_us, full.p99_us),
      MedianRatio(tenfold.answered_per_s, side.requests_per_s), Median(side.requests_per_s),
      Median(half.p99_us), Median(full.p99_us), Median(tenfold.p99_us),
      Median(tenfold.refused_p99_us));
  std::fflush(stdout);
  return Status::Ok();
}

}  // namespace freshet::serve_bench
