#include "base/nearest.h"

#include <algorithm>

#include <fmt/format.h>

namespace freshet {
namespace {

constexpr size_t kSuggestionsMax = 8;

// The optimal string alignment distance: insertions, deletions, substitutions and swaps of
// neighbours cost one each.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_previous(b.size() + 1);
  std::vector<size_t> previous(b.size() + 1);
  std::vector<size_t> current(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t substitution = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, substitution});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before_previous[j - 2] + 1);
      }
    }
    std::swap(before_previous, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

}  // namespace

std::string_view NearestWord(std::string_view word, std::span<const std::string> candidates) {
  std::string_view nearest;
  size_t least = SIZE_MAX;
  for (const std::string& candidate : candidates) {
    const auto [shorter, longer] = std::minmax({word.size(), candidate.size()});
    // No distance is less than the difference in length; a word of megabytes is not looked at.
    if ((longer - shorter) * 3 > longer) continue;
    size_t distance = EditDistance(word, candidate);
    if (distance < least && distance * 3 <= longer) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string Suggestion(std::string_view word, std::span<const std::string> candidates) {
  if (candidates.empty()) return {};
  std::string_view nearest = NearestWord(word, candidates);
  if (!nearest.empty()) return fmt::format("; did you mean '{}'?", nearest);
  size_t shown = std::min(candidates.size(), kSuggestionsMax);
  return fmt::format("; known are {}{}", fmt::join(candidates.first(shown), ", "),
                     shown < candidates.size() ? ", ..." : "");
}

}  // namespace freshet
