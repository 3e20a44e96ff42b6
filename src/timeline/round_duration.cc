#include "timeline/round_duration.h"

#include <algorithm>
#include <iterator>

#include "base/limits.h"

namespace freshet::timeline {
namespace {

constexpr int64_t kSecondMs = 1'000;
constexpr int64_t kMinuteMs = 60 * kSecondMs;
constexpr int64_t kHourMs = 60 * kMinuteMs;
constexpr int64_t kDayMs = 24 * kHourMs;

constexpr int64_t kRoundDurationsMs[] = {1,
                                         5,
                                         10,
                                         50,
                                         100,
                                         500,
                                         kSecondMs,
                                         5 * kSecondMs,
                                         10 * kSecondMs,
                                         20 * kSecondMs,
                                         kMinuteMs,
                                         5 * kMinuteMs,
                                         10 * kMinuteMs,
                                         20 * kMinuteMs,
                                         kHourMs,
                                         2 * kHourMs,
                                         4 * kHourMs,
                                         12 * kHourMs,
                                         kDayMs,
                                         2 * kDayMs,
                                         6 * kDayMs,
                                         12 * kDayMs,
                                         60 * kDayMs};

constexpr bool EachDividesTheNext() {
  for (size_t i = 1; i < std::size(kRoundDurationsMs); ++i)
    if (kRoundDurationsMs[i] % kRoundDurationsMs[i - 1] != 0) return false;
  return true;
}
static_assert(EachDividesTheNext());

}  // namespace

int64_t RoundDownMs(int64_t duration_ms) {
  const auto* above =
      std::upper_bound(std::begin(kRoundDurationsMs), std::end(kRoundDurationsMs), duration_ms);
  return above == std::begin(kRoundDurationsMs) ? kRoundDurationsMs[0] : *(above - 1);
}

int64_t DefaultHopMs(int64_t window_ms) {
  return RoundDownMs(window_ms / limits::kHopsPerWindow);
}

}  // namespace freshet::timeline
