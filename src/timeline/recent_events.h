// The newest events of a timeline, each in a cell of its own.
//
// With T the newest event time, an event is kept when it is at or after T - Schema::recent_depth_ms,
// rounded down so that one removal pays for many events, or among the newest Schema::last_events and
// limits::kLastEventsSpare. Which are kept is a function of the set of events, as long as they are
// no more than Schema::Options::recent_events_max and limits::kRecentBytesMax; beyond, the oldest go first. The order
// of the newest one that is not kept any more is remembered, so that a reader knows from where on
// nothing is missing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "aggregate/aggregate.h"
#include "timeline/layout.h"
#include "timeline/timeline.h"

namespace freshet::timeline {

// A run of recent events.
struct RecentRun {
  Position begin{};
  Position end{};

  bool is_empty() const { return begin.index == end.index; }
};

class RecentEvents {
 public:
  explicit RecentEvents(const Schema& schema) : schema_(schema), layout_(schema) {}

  // After the newest event time was moved. False when the event is not kept.
  bool Add(std::string& bytes, const Event& event) const;

  static Position Begin() { return {Layout::kHeaderBytes, 0}; }
  static Position End(std::string_view bytes) {
    return {Layout::kHeaderBytes + Tail::RecentBytes(bytes), Tail::RecentCount(bytes)};
  }
  // The bytes from one to the next, in a schema without variable-size slots.
  size_t StrideBytes() const { return Tail::kRecentHeaderBytes + layout_.CellFixedBytes(); }
  Position Next(std::string_view bytes, Position at) const {
    return {at.offset + Tail::kRecentHeaderBytes + layout_.CellBytes(CellAt(bytes, at)),
            at.index + 1};
  }
  Position Before(std::string_view bytes, Position at) const {
    return {
        at.offset - layout_.CellBytesBefore(bytes.data() + at.offset) - Tail::kRecentHeaderBytes,
        at.index - 1};
  }
  static const char* CellAt(std::string_view bytes, Position at) {
    return bytes.data() + at.offset + Tail::kRecentHeaderBytes;
  }
  static int64_t TimeMs(std::string_view bytes, Position at) {
    return Layout::StartMs(CellAt(bytes, at));
  }
  static aggregate::EventOrder OrderAt(std::string_view bytes, Position at) {
    const char* header = bytes.data() + at.offset;
    return {TimeMs(bytes, at), Load<int32_t>(header), Load<int64_t>(header + 4)};
  }
  // The first in [Begin(), end) that is not before `order`; `end` when there is none. With variable-size
  // slots it takes a step for each that is not.
  Position LowerBound(std::string_view bytes, Position end,
                      const aggregate::EventOrder& order) const;
  // Those at times in [begin_ms, last_ms]; without `begin_ms` from the first on.
  RecentRun Between(std::string_view bytes, std::optional<int64_t> begin_ms, int64_t last_ms) const;

 private:
  void Insert(std::string& bytes, Position at, const Event& event) const;
  void RemoveOld(std::string& bytes) const;
  int64_t HorizonMs(int64_t newest_ms) const;

  const Schema& schema_;
  const Layout layout_;
};

}  // namespace freshet::timeline
