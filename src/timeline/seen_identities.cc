#include "timeline/seen_identities.h"

#include <algorithm>
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
  if (horizon_ms != HorizonMs(old_newest_ms)) RemoveBefore(bytes, horizon_ms);
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

  std::vector<int64_t> times_ms;
  for (size_t i = 0; i < count; ++i) times_ms.push_back(TimeMs(bytes, i));
  const auto kept_from = times_ms.begin() + limits::kSeenIdentitiesMax / Tail::kRemovalsPerSpan;
  std::nth_element(times_ms.begin(), kept_from, times_ms.end());
  RemoveBefore(bytes, *kept_from + 1);  // those of one moment go together
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

void SeenIdentities::RemoveBefore(std::string& bytes, int64_t time_ms) {
  const size_t begin = Tail::SeenBegin(bytes);
  const size_t count = Tail::SeenCount(bytes);
  size_t kept = 0;
  for (size_t i = 0; i < count; ++i) {
    if (TimeMs(bytes, i) < time_ms) continue;
    if (kept != i)
      std::copy_n(bytes.data() + begin + i * Tail::kSeenBytes, Tail::kSeenBytes,
                  bytes.data() + begin + kept * Tail::kSeenBytes);
    ++kept;
  }
  bytes.erase(begin + kept * Tail::kSeenBytes, (count - kept) * Tail::kSeenBytes);
  Tail::SetSeenCount(bytes, kept);
}

}  // namespace freshet::timeline
