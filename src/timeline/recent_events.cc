#include "timeline/recent_events.h"

#include <algorithm>
#include <limits>

#include "base/limits.h"
#include "base/time.h"
#include "timeline/cell_writer.h"

namespace freshet::timeline {
namespace {

using aggregate::EventOrder;

// The first of all orders at a time.
EventOrder FirstAt(int64_t time_ms) {
  return {time_ms, std::numeric_limits<int32_t>::min(), std::numeric_limits<int64_t>::min()};
}

// What is left when a bound is exceeded, so that the next events find room.
size_t RoomBelow(size_t bound) {
  return bound - bound / Tail::kRemovalsPerSpan;
}

}  // namespace

bool RecentEvents::Add(std::string& bytes, const Event& event) const {
  if (!schema_.has_recent_events()) return false;
  if (event.order > Tail::Lost(bytes))
    Insert(bytes, LowerBound(bytes, End(bytes), event.order), event);
  RemoveOld(bytes);
  return event.order > Tail::Lost(bytes);
}

Position RecentEvents::LowerBound(std::string_view bytes, Position at,
                                  const EventOrder& order) const {
  if (layout_.HasVariableSlots()) {
    while (at.index > 0) {
      const Position before = Before(bytes, at);
      if (OrderAt(bytes, before) < order) break;
      at = before;
    }
    return at;
  }
  const Position begin = Begin();
  const auto position = [&](size_t index) {
    return Position{begin.offset + index * StrideBytes(), index};
  };
  size_t low = 0;
  for (size_t count = at.index; count > 0;) {
    const size_t half = count / 2;
    if (OrderAt(bytes, position(low + half)) < order) {
      low += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return position(low);
}

RecentRun RecentEvents::Between(std::string_view bytes, std::optional<int64_t> begin_ms,
                                int64_t last_ms) const {
  const Position end = LowerBound(bytes, End(bytes), FirstAt(last_ms + 1));
  return {begin_ms ? LowerBound(bytes, end, FirstAt(*begin_ms)) : Begin(), end};
}

void RecentEvents::Insert(std::string& bytes, Position at, const Event& event) const {
  const size_t bytes_before = bytes.size();
  const size_t recent_bytes = Tail::RecentBytes(bytes);
  const size_t count = Tail::RecentCount(bytes);
  bytes.insert(at.offset, Tail::kRecentHeaderBytes, '\0');
  Save(bytes.data() + at.offset, event.order.partition);
  Save(bytes.data() + at.offset + 4, event.order.offset);
  const size_t cell = at.offset + Tail::kRecentHeaderBytes;
  const CellWriter writer(schema_);
  writer.Insert(bytes, cell, event.order.time_ms);
  writer.Update(bytes, cell, event);
  Tail::SetRecent(bytes, recent_bytes + bytes.size() - bytes_before, count + 1);
}

void RecentEvents::RemoveOld(std::string& bytes) const {
  const Position begin = Begin();
  const Position end = End(bytes);
  const int64_t horizon_ms = HorizonMs(Layout::NewestMs(bytes));
  const size_t kept_by_count =
      schema_.last_events() == 0 ? 0 : schema_.last_events() + limits::kLastEventsSpare;
  size_t count_max = schema_.options().recent_events_max;
  size_t bytes_max = limits::kRecentBytesMax;
  if (end.index > count_max) count_max = RoomBelow(count_max);
  if (end.offset - begin.offset > bytes_max) bytes_max = RoomBelow(bytes_max);

  Position at = begin;
  Position last = begin;
  while (at.index < end.index) {
    const bool is_old = TimeMs(bytes, at) < horizon_ms && end.index - at.index > kept_by_count;
    if (!is_old && end.index - at.index <= count_max && end.offset - at.offset <= bytes_max) break;
    last = at;
    at = Next(bytes, at);
  }
  if (at.index == 0) return;
  const EventOrder lost = OrderAt(bytes, last);
  bytes.erase(begin.offset, at.offset - begin.offset);
  Tail::SetRecent(bytes, end.offset - at.offset, end.index - at.index);
  Tail::SetLost(bytes, lost);
}

int64_t RecentEvents::HorizonMs(int64_t newest_ms) const {
  const int64_t depth_ms = schema_.recent_depth_ms();
  if (depth_ms < 0) return std::numeric_limits<int64_t>::max();
  return AlignDown(newest_ms - depth_ms, std::max<int64_t>(1, depth_ms / Tail::kRemovalsPerSpan));
}

}  // namespace freshet::timeline
