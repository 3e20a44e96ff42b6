#include "timeline/seen_identities.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/time.h"

namespace freshet::timeline {

bool SeenIdentities::Knows(std::string_view bytes, const Event& event) const {
  if (schema_.options().deduplicate_ms == 0 || !event.identity.has_value()) return false;
  const size_t index = LowerBound(bytes, *event.identity);
  return index < Tail::SeenCount(bytes) && IdentityAt(bytes, index) == *event.identity;
}

void SeenIdentities::Add(std::string& bytes, const Event& event, int64_t old_newest_ms) const {
  if (schema_.options().deduplicate_ms == 0) return;
  const int64_t horizon_ms = HorizonMs(Layout::NewestMs(bytes));
  if (horizon_ms != HorizonMs(old_newest_ms))
    Keep(bytes, [&](int64_t time_ms, size_t) { return time_ms >= horizon_ms; });
  if (!event.identity.has_value() || event.order.time_ms < horizon_ms) return;

  const size_t index = LowerBound(bytes, *event.identity);
  const size_t count = Tail::SeenCount(bytes) + size_t{1};
  const size_t offset = Tail::SeenBegin(bytes) + index * Tail::kSeenBytes;
  bytes.insert(offset, Tail::kSeenBytes, '\0');
  Save(bytes.data() + offset, event.identity->high);
  Save(bytes.data() + offset + 8, event.identity->low);
  Save(bytes.data() + offset + 16, event.order.time_ms);
  Tail::SetSeenCount(bytes, count);
  if (count <= limits::kSeenIdentitiesMax) return;

  std::vector<std::pair<int64_t, size_t>> by_age;
  for (size_t i = 0; i < count; ++i) by_age.push_back({TimeMs(bytes, i), i});
  const auto kept_from = by_age.begin() + limits::kSeenIdentitiesMax / Tail::kRemovalsPerSpan;
  std::nth_element(by_age.begin(), kept_from, by_age.end());
  Keep(bytes, [&](int64_t time_ms, size_t i) { return std::pair(time_ms, i) >= *kept_from; });
}

size_t SeenIdentities::LowerBound(std::string_view bytes, const Identity& identity) {
  size_t low = 0;
  for (size_t count = Tail::SeenCount(bytes); count > 0;) {
    const size_t half = count / 2;
    if (IdentityAt(bytes, low + half) < identity) {
      low += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return low;
}

int64_t SeenIdentities::HorizonMs(int64_t newest_ms) const {
  const int64_t within_ms = schema_.options().deduplicate_ms;
  return AlignDown(newest_ms - within_ms, std::max<int64_t>(1, within_ms / Tail::kRemovalsPerSpan));
}

void SeenIdentities::Keep(std::string& bytes,
                          FunctionRef<bool(int64_t time_ms, size_t index)> is_kept) {
  const size_t begin = Tail::SeenBegin(bytes);
  const size_t count = Tail::SeenCount(bytes);
  size_t kept = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!is_kept(TimeMs(bytes, i), i)) continue;
    if (kept != i)
      std::copy_n(bytes.data() + begin + i * Tail::kSeenBytes, Tail::kSeenBytes,
                  bytes.data() + begin + kept * Tail::kSeenBytes);
    ++kept;
  }
  bytes.erase(begin + kept * Tail::kSeenBytes, (count - kept) * Tail::kSeenBytes);
  Tail::SetSeenCount(bytes, kept);
}

}  // namespace freshet::timeline
