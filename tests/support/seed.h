// Seeds of random tests: a new one in each run, printed with what failed, and FRESHET_TEST_SEED to replay one.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>

#include "support/sanitizer.h"

namespace freshet {

inline uint64_t TestSeed() {
  static const uint64_t seed = [] {
    const char* given = std::getenv("FRESHET_TEST_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : uint64_t{std::random_device{}()};
  }();
  return seed;
}

// Sanitizers look at each path, not at each value, and make a case take five to twenty times as long.
inline constexpr uint64_t kCasesPerSanitizedCase = 4;

// How many random cases a test runs: FRESHET_TEST_CASES, or what is enough for every change, which is
// fewer under a sanitizer.
inline uint64_t TestCases(uint64_t usual) {
  const char* text = std::getenv("FRESHET_TEST_CASES");
  if (text != nullptr) return std::strtoull(text, nullptr, 10);
  return kIsSanitized ? (usual + kCasesPerSanitizedCase - 1) / kCasesPerSanitizedCase : usual;
}

}  // namespace freshet
