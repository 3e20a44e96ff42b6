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

// A fold moves all younger cells: it is worth its cost once this share of the time that they span
// has passed.
constexpr int64_t kFoldsPerSpan = 32;

Status CheckWindow(const Window& window) {
  if (window.window_ms < 1 || window.window_ms > limits::kWindowMsMax)
    return Status::InvalidArgument(fmt::format("window of {} ms: allowed are 1 to {} ms",
                                               window.window_ms, limits::kWindowMsMax));
  if (window.hop_ms < 1 || window.hop_ms > window.window_ms)
    return Status::InvalidArgument(
        fmt::format("window {}: its hop of {} ms must be at least 1 ms and at most the window",
                    FormatDurationMs(window.window_ms), window.hop_ms));
  return Status::Ok();
}

Status CheckWindows(const Schema::Options& options) {
  if (options.windows.size() > limits::kWindowsMax)
    return Status::InvalidArgument(fmt::format("{} windows: at most {} are allowed",
                                               options.windows.size(), limits::kWindowsMax));
  if (options.head_hop_ms < 1 || options.head_hop_ms > limits::kWindowMsMax)
    return Status::InvalidArgument(fmt::format("head hop of {} ms: allowed are 1 to {} ms",
                                               options.head_hop_ms, limits::kWindowMsMax));
  int64_t finer_hop_ms = options.head_hop_ms;
  int64_t shorter_window_ms = 0;
  for (const Window& window : options.windows) {
    FRESHET_RETURN_IF_ERROR(CheckWindow(window));
    if (window.window_ms <= shorter_window_ms)
      return Status::InvalidArgument(
          fmt::format("window {} follows {}: windows must be different and ascending",
                      FormatDurationMs(window.window_ms), FormatDurationMs(shorter_window_ms)));
    if (window.hop_ms % finer_hop_ms != 0)
      return Status::InvalidArgument(
          fmt::format("window {}: its hop {} is not a multiple of the next finer hop, {}",
                      FormatDurationMs(window.window_ms), FormatDurationMs(window.hop_ms),
                      FormatDurationMs(finer_hop_ms)));
    finer_hop_ms = window.hop_ms;
    shorter_window_ms = window.window_ms;
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

// `width` times the largest power of two that keeps it at or below `limit`; `width` itself when
// that is above.
int64_t DoubledUpTo(int64_t width_ms, int64_t limit_ms) {
  while (width_ms <= limit_ms / 2) width_ms *= 2;
  return width_ms;
}

// A large divisor of `step` that is a multiple of `width` and, but for `width` itself, at or below
// `limit`.
int64_t DivisorUpTo(int64_t step_ms, int64_t width_ms, int64_t limit_ms) {
  int64_t factor = step_ms / width_ms;
  int64_t prime = 2;
  while (factor > 1 && factor > limit_ms / width_ms) {
    if (prime > factor / prime) return width_ms;
    if (factor % prime == 0)
      factor /= prime;
    else
      ++prime;
  }
  return factor * width_ms;
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
  schema.BuildLevels();
  schema.BuildSlots();
  return schema;
}

void Schema::BuildLevels() {
  const int64_t skew_ms = options_.clock_skew_ms;
  levels_.push_back({options_.head_hop_ms, skew_ms, 0});
  for (const Window& window : options_.windows) {
    if (levels_.back().width_ms == window.hop_ms) levels_.pop_back();
    levels_.push_back({window.hop_ms, skew_ms + window.window_ms, 0});
  }
  Level& oldest = levels_.back();
  oldest.step_ms = DoubledUpTo(oldest.width_ms, oldest.depth_ms / kFoldsPerSpan);
  for (size_t i = levels_.size() - 1; i > 0; --i) {
    const Level& older = levels_[i];
    Level& level = levels_[i - 1];
    level.step_ms = DivisorUpTo(older.step_ms, older.width_ms, level.depth_ms / kFoldsPerSpan);
  }
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
  int64_t younger_depth_ms = 0;
  for (const Level& level : levels_) {
    // From the boundary below, at its lowest, to the boundary above, at its highest.
    const int64_t span_ms = level.depth_ms - younger_depth_ms + level.step_ms;
    cells += static_cast<size_t>(span_ms / level.width_ms) + 1;
    younger_depth_ms = level.depth_ms;
  }
  return std::min(cells, options_.cells_max);
}

}  // namespace freshet::timeline
