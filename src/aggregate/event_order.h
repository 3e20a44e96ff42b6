// What slots know of the times of events.
#pragma once

#include <cstdint>
#include <string>

#include "aggregate/aggregate.h"
#include "base/coding.h"
#include "base/limits.h"

namespace freshet::aggregate {

inline bool IsEventTime(int64_t time_ms) {
  return time_ms >= limits::kEventTimeMsMin && time_ms <= limits::kEventTimeMsMax;
}

// The place of an event as slots keep it: i64 time, i32 partition, i64 offset.
inline constexpr uint16_t kOrderBytes = 20;
inline void AppendOrder(std::string& to, const EventOrder& order) {
  Append(to, order.time_ms);
  Append(to, order.partition);
  Append(to, order.offset);
}
inline EventOrder ReadOrder(ByteReader& reader) {
  EventOrder order;
  order.time_ms = reader.Read<int64_t>();
  order.partition = reader.Read<int32_t>();
  order.offset = reader.Read<int64_t>();
  return order;
}

}  // namespace freshet::aggregate
