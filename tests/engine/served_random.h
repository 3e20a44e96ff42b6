// One source of chance for a whole test.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace freshet::served {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  int64_t Pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(engine_);
  }
  // True once in `times`.
  bool Once(int64_t times) { return Pick(1, times) == 1; }
  template <typename T>
  const T& OneOf(const std::vector<T>& choices) {
    return choices[static_cast<size_t>(Pick(0, static_cast<int64_t>(choices.size()) - 1))];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace freshet::served
