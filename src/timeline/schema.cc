#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/coding.h"
#include "base/limits.h"
#include "base/time.h"
#include "timeline/layout.h"
#include "timeline/timeline.h"

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

Status CheckWindows(const Schema::Options& options) {
  if (options.windows.size() > limits::kWindowsMax)
    return Status::InvalidArgument(fmt::format("{} windows: at most {} are allowed",
                                               options.windows.size(), limits::kWindowsMax));
  if (options.head_hop_ms < 1 || options.head_hop_ms > limits::kWindowMsMax)
    return Status::InvalidArgument(fmt::format("head hop of {} ms: allowed are 1 to {} ms",
                                               options.head_hop_ms, limits::kWindowMsMax));
  for (size_t i = 0; i < options.windows.size(); ++i) {
    FRESHET_RETURN_IF_ERROR(CheckWindow(options.windows[i], options.head_hop_ms));
    for (size_t k = 0; k < i; ++k)
      if (options.windows[i] == options.windows[k])
        return Status::InvalidArgument(
            fmt::format("window {} stands twice", Describe(options.windows[i])));
  }
  return Status::Ok();
}

Status CheckOptions(const Schema::Options& options) {
  FRESHET_RETURN_IF_ERROR(CheckWindows(options));
  if (options.windows.empty() && !options.has_lifetime)
    return Status::InvalidArgument("a timeline without windows and without lifetime keeps nothing");
  if (options.clock_skew_ms < 0 || options.clock_skew_ms > limits::kClockSkewMsMax)
    return Status::InvalidArgument(fmt::format("clock skew of {} ms: allowed are 0 to {} ms",
                                               options.clock_skew_ms, limits::kClockSkewMsMax));
  if (options.aggregations.size() > limits::kAggregationsMax)
    return Status::InvalidArgument(fmt::format("{} aggregations: at most {} are allowed",
                                               options.aggregations.size(),
                                               limits::kAggregationsMax));
  if (options.cells_max > limits::kTimelineCellsMax)
    return Status::InvalidArgument(fmt::format("{} cells: at most {} are allowed",
                                               options.cells_max, limits::kTimelineCellsMax));
  return Status::Ok();
}

}  // namespace

int64_t DefaultHopMs(int64_t window_ms) {
  const auto* above = std::upper_bound(std::begin(kRoundDurationsMs), std::end(kRoundDurationsMs),
                                       window_ms / limits::kHopsPerWindow);
  return above == std::begin(kRoundDurationsMs) ? kRoundDurationsMs[0] : *(above - 1);
}

Result<Schema> Schema::Create(Options options) {
  if (options.cells_max == 0) options.cells_max = limits::kTimelineCellsMax;
  FRESHET_RETURN_IF_ERROR(CheckOptions(options));
  Schema schema;
  schema.options_ = std::move(options);
  schema.levels_ = MakeLevels(schema.options_.windows, schema.options_.head_hop_ms,
                              schema.options_.clock_skew_ms);
  schema.BuildSlots();
  return schema;
}

void Schema::BuildSlots() {
  for (size_t i = 0; i < options_.aggregations.size(); ++i) {
    const aggregate::Aggregate& function = *options_.aggregations[i];
    slot_offsets_.push_back(static_cast<uint32_t>(slots_fixed_bytes_));
    if (function.size_bytes == 0) variable_.push_back(static_cast<uint32_t>(i));
    slots_fixed_bytes_ += function.size_bytes == 0 ? Layout::kSlotEndBytes : function.size_bytes;
  }
  cell_fixed_bytes_ = Layout::kCellHeaderBytes + slots_fixed_bytes_ +
                      (variable_.empty() ? 0 : Layout::kCellLengthBytes);
  empty_cell_.assign(cell_fixed_bytes_, '\0');
  for (size_t i = 0; i < slot_offsets_.size(); ++i) {
    const aggregate::Aggregate& function = *options_.aggregations[i];
    char* slot = empty_cell_.data() + Layout::kCellHeaderBytes + slot_offsets_[i];
    if (function.size_bytes != 0) function.init(slot);
  }
  if (!variable_.empty())
    Save(empty_cell_.data() + cell_fixed_bytes_ - Layout::kCellLengthBytes,
         static_cast<uint32_t>(cell_fixed_bytes_));
}

size_t Schema::CellsMax() const {
  size_t cells = 0;
  for (size_t i = 0; i < levels_.size(); ++i)
    cells += timeline::CellsMax(i == 0 ? nullptr : &levels_[i - 1], levels_[i],
                                i + 1 < levels_.size() ? &levels_[i + 1] : nullptr);
  return std::min(cells, options_.cells_max);
}

}  // namespace freshet::timeline
