// The identities of events that a timeline has counted, for which a repeat counts nowhere.
//
// With T the newest event time and D = Schema::Options::deduplicate_ms, an identity is remembered
// while the time of its event is at or after T - D, rounded down so that one removal pays for many
// events; no more than limits::kSeenIdentitiesMax of them, beyond which those of the oldest events go.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/function_ref.h"
#include "timeline/layout.h"
#include "timeline/timeline.h"

namespace freshet::timeline {

class SeenIdentities {
 public:
  explicit SeenIdentities(const Schema& schema) : schema_(schema) {}

  // Whether an event of this one's identity is remembered.
  bool Knows(std::string_view bytes, const Event& event) const;
  // Remembers it, after the newest event time was moved from `old_newest_ms`.
  void Add(std::string& bytes, const Event& event, int64_t old_newest_ms) const;

  static Identity IdentityAt(std::string_view bytes, size_t index) {
    const char* at = bytes.data() + Tail::SeenBegin(bytes) + index * Tail::kSeenBytes;
    return {Load<uint64_t>(at), Load<uint64_t>(at + 8)};
  }
  static int64_t TimeMs(std::string_view bytes, size_t index) {
    return Load<int64_t>(bytes.data() + Tail::SeenBegin(bytes) + index * Tail::kSeenBytes + 16);
  }

 private:
  static size_t LowerBound(std::string_view bytes, const Identity& identity);
  int64_t HorizonMs(int64_t newest_ms) const;
  static void Keep(std::string& bytes, FunctionRef<bool(int64_t time_ms, size_t index)> is_kept);

  const Schema& schema_;
};

}  // namespace freshet::timeline
