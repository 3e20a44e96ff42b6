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
  if (options.deduplicate_ms < 0 || options.deduplicate_ms > limits::kDeduplicateMsMax)
    return Status::InvalidArgument(fmt::format("repeats within {} ms: allowed are 0 to {} ms",
                                               options.deduplicate_ms, limits::kDeduplicateMsMax));
  if (options.windows.empty() && !options.has_lifetime)
    return Status::InvalidArgument("a timeline without windows and without lifetime keeps nothing");
  if (options.clock_skew_ms < 0 || options.clock_skew_ms > limits::kClockSkewMsMax)
    return Status::InvalidArgument(fmt::format("clock skew of {} ms: allowed are 0 to {} ms",
                                               options.clock_skew_ms, limits::kClockSkewMsMax));
  if (options.aggregations.size() > limits::kAggregationsMax)
    return Status::InvalidArgument(fmt::format("{} aggregations: at most {} are allowed",
                                               options.aggregations.size(),
                                               limits::kAggregationsMax));
  if (options.recent_events_max > limits::kRecentEventsMax)
    return Status::InvalidArgument(fmt::format("{} single events: at most {} are allowed",
                                               options.recent_events_max,
                                               limits::kRecentEventsMax));
  if (options.cells_max > limits::kTimelineCellsMax)
    return Status::InvalidArgument(fmt::format("{} cells: at most {} are allowed",
                                               options.cells_max, limits::kTimelineCellsMax));
  return Status::Ok();
}

}  // namespace

Result<Schema> Schema::Create(Options options) {
  if (options.cells_max == 0) options.cells_max = limits::kTimelineCellsMax;
  if (options.recent_events_max == 0) options.recent_events_max = limits::kRecentEventsMax;
  FRESHET_RETURN_IF_ERROR(CheckOptions(options));
  Schema schema;
  schema.options_ = std::move(options);
  schema.levels_ = MakeLevels(schema.options_.windows, schema.options_.head_hop_ms,
                              schema.options_.clock_skew_ms);
  schema.SetTail();
  schema.BuildSlots();
  return schema;
}

void Schema::SetTail() {
  const Options& o = options_;
  int64_t offset_max_ms = 0;
  for (const Window& window : o.windows) {
    offset_max_ms = std::max(offset_max_ms, window.offset_ms);
    has_sessions_ = has_sessions_ || window.kind == WindowKind::kSession;
    last_events_ = std::max<size_t>(last_events_, window.events);
    if (window.exact)
      recent_depth_ms_ = std::max(recent_depth_ms_, o.clock_skew_ms + DepthMs(window));
  }
  // The cell that the head cuts begins up to a hop before it.
  if (o.exact_head)
    recent_depth_ms_ = std::max(recent_depth_ms_, o.clock_skew_ms + offset_max_ms + o.head_hop_ms);
}

void Schema::BuildSlots() {
  size_t offset = Layout::kCellHeaderBytes + (has_sessions_ ? Layout::kOldestBytes : 0);
  for (size_t i = 0; i < options_.aggregations.size(); ++i) {
    const aggregate::Aggregate& function = *options_.aggregations[i];
    slot_offsets_.push_back(static_cast<uint32_t>(offset));
    if (function.size_bytes == 0) variable_.push_back(static_cast<uint32_t>(i));
    offset += function.size_bytes == 0 ? Layout::kSlotEndBytes : function.size_bytes;
  }
  variable_begin_bytes_ = offset;
  cell_fixed_bytes_ = offset + (variable_.empty() ? 0 : Layout::kCellLengthBytes);
  empty_cell_.assign(cell_fixed_bytes_, '\0');
  for (size_t i = 0; i < slot_offsets_.size(); ++i) {
    const aggregate::Aggregate& function = *options_.aggregations[i];
    if (function.size_bytes != 0) function.init(empty_cell_.data() + slot_offsets_[i]);
  }
  if (!variable_.empty())
    Save(empty_cell_.data() + cell_fixed_bytes_ - Layout::kCellLengthBytes,
         static_cast<uint32_t>(cell_fixed_bytes_));
}

size_t Schema::single_event_bytes() const {
  return Tail::kRecentHeaderBytes + cell_fixed_bytes_;
}

size_t Schema::SingleEventsMax() const {
  if (!has_recent_events()) return 0;
  const size_t by_count =
      recent_depth_ms_ >= 0 ? options_.recent_events_max : last_events_ + limits::kLastEventsSpare;
  return std::min(
      {by_count, options_.recent_events_max, limits::kRecentBytesMax / single_event_bytes()});
}

size_t Schema::identity_bytes() {
  return Tail::kSeenBytes;
}

size_t Schema::IdentitiesMax() const {
  return options_.deduplicate_ms > 0 ? limits::kSeenIdentitiesMax : 0;
}

size_t Schema::CellBytesMax(const aggregate::Fill& fill) const {
  size_t bytes = cell_fixed_bytes_;
  for (const uint32_t aggregation : variable_) {
    const aggregate::Aggregate& function = *options_.aggregations[aggregation];
    bytes += function.bytes_max(function.parameters, fill);
  }
  return bytes;
}

size_t Schema::BytesMax(const aggregate::Fill& fill) const {
  aggregate::Fill of_one = fill;
  of_one.events = std::min<size_t>(fill.events, 1);
  const size_t single_bytes = Tail::kRecentHeaderBytes + CellBytesMax(of_one);
  size_t bytes = Layout::kHeaderBytes + (has_tail() ? Tail::kEndBytes : 0);
  bytes += std::min(CellsMax() * CellBytesMax(fill), limits::kTimelineBytesMax);
  if (options_.has_lifetime) bytes += CellBytesMax(fill);
  bytes += std::min(SingleEventsMax() * single_bytes, limits::kRecentBytesMax);
  return bytes + IdentitiesMax() * identity_bytes();
}

size_t Schema::CellsMax() const {
  size_t cells = 0;
  for (size_t i = 0; i < levels_.size(); ++i)
    cells += timeline::CellsMax(i == 0 ? nullptr : &levels_[i - 1], levels_[i],
                                i + 1 < levels_.size() ? &levels_[i + 1] : nullptr);
  return std::min(cells, options_.cells_max);
}

}  // namespace freshet::timeline
