// "Did you mean": the known word closest to a mistyped one.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace freshet {

// The candidate with the least edit distance (a swap of neighbours counts one), when it is close
// enough to be a likely slip: at most a third of the longer word's length. Empty otherwise.
std::string_view NearestWord(std::string_view word, std::span<const std::string> candidates);

// "; did you mean 'x'?" or, without a near word, "; known are a, b, c" (at most 8, then "...");
// empty without candidates.
std::string Suggestion(std::string_view word, std::span<const std::string> candidates);

}  // namespace freshet
