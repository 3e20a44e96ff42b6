// Memory for the strings that one evaluation builds.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "expr/program.h"

namespace freshet::expr {

// What it hands out stays in place until Reset. Answers depend on what was asked since then alone,
// never on the memory that is left from before.
struct Scratch::Rep {
 public:
  void Reset();

  // Both answer nothing when the strings since Reset would take more than
  // limits::kExpressionStringBytesMax.
  std::optional<std::string_view> Copy(std::string_view text);
  // Appends in place when `left` is the string that was built last, so that a chain of + costs what
  // its result is long. `left` stays valid.
  std::optional<std::string_view> Concatenate(std::string_view left, std::string_view right);

 private:
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    size_t size = 0;
  };

  bool Charge(size_t bytes);
  char* Allocate(size_t size);

  std::vector<Chunk> chunks_;
  size_t used_ = 0;     // of the last chunk
  size_t charged_ = 0;  // since Reset
  std::string_view last_;
};

}  // namespace freshet::expr
