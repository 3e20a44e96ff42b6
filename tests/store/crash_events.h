// The events that the crash tests fold into timelines: fixed by their offset, so that the state that
// belongs to a position can be told without having seen the run.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace freshet::store {

inline constexpr uint32_t kCrashTable = 3;
inline constexpr uint32_t kCrashPartitions = 2;
inline constexpr uint32_t kCrashEntities = 50;
inline constexpr uint32_t kCrashSource = 4;

inline uint64_t CrashHash(uint64_t number) {
  number *= 0x9E3779B97F4A7C15u;
  return number ^ number >> 29;
}

inline uint32_t EntityOfEvent(uint32_t partition, int64_t offset) {
  return CrashHash(static_cast<uint64_t>(offset) * kCrashPartitions + partition) % kCrashEntities;
}

inline std::string CrashKey(uint32_t entity) {
  return "entity" + std::to_string(entity);
}

// An entity's state: how many events, and a sum that knows which.
struct CrashState {
  uint64_t count = 0;
  uint64_t sum = 0;

  void Apply(uint32_t partition, int64_t offset) {
    ++count;
    sum += CrashHash(static_cast<uint64_t>(offset) * 31 + partition);
  }
  friend bool operator==(const CrashState&, const CrashState&) = default;
};

inline CrashState DecodeCrashState(std::string_view bytes) {
  CrashState state;
  if (bytes.size() == sizeof(state)) std::memcpy(&state, bytes.data(), sizeof(state));
  return state;
}

inline void ApplyEvent(uint32_t partition, int64_t offset, std::string& bytes) {
  CrashState state = DecodeCrashState(bytes);
  state.Apply(partition, offset);
  bytes.assign(reinterpret_cast<const char*>(&state), sizeof(state));
}

}  // namespace freshet::store
