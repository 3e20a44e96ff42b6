#include "expr/scratch.h"

#include <algorithm>
#include <cstring>

#include "base/limits.h"

namespace freshet::expr {
namespace {

constexpr size_t kChunkBytesMin = 4096;

}  // namespace

Scratch::Scratch() : rep_(std::make_unique<Rep>()) {}
Scratch::~Scratch() = default;
Scratch::Scratch(Scratch&&) noexcept = default;
Scratch& Scratch::operator=(Scratch&&) noexcept = default;

void Scratch::Rep::Reset() {
  // Each chunk is larger than those before it.
  if (chunks_.size() > 1) chunks_.erase(chunks_.begin(), chunks_.end() - 1);
  used_ = 0;
  charged_ = 0;
  last_ = {};
}

bool Scratch::Rep::Charge(size_t bytes) {
  charged_ += bytes;
  return charged_ <= limits::kExpressionStringBytesMax;
}

char* Scratch::Rep::Allocate(size_t size) {
  if (chunks_.empty() || chunks_.back().size - used_ < size) {
    size_t previous = chunks_.empty() ? 0 : chunks_.back().size;
    size_t chunk_size = std::max({kChunkBytesMin, 2 * previous, 2 * size});
    chunks_.push_back({std::make_unique<char[]>(chunk_size), chunk_size});
    used_ = 0;
  }
  char* bytes = chunks_.back().bytes.get() + used_;
  used_ += size;
  return bytes;
}

std::optional<std::string_view> Scratch::Rep::Copy(std::string_view text) {
  return Concatenate({}, text);
}

std::optional<std::string_view> Scratch::Rep::Concatenate(std::string_view left,
                                                          std::string_view right) {
  bool appends = !left.empty() && left.data() == last_.data() && left.size() == last_.size();
  if (!Charge(right.size() + (appends ? 0 : left.size()))) return std::nullopt;
  size_t size = left.size() + right.size();
  if (appends && chunks_.back().size - used_ >= right.size()) {
    std::copy(right.begin(), right.end(), Allocate(right.size()));
    last_ = {left.data(), size};
    return last_;
  }
  char* bytes = Allocate(size);
  std::copy(right.begin(), right.end(), std::copy(left.begin(), left.end(), bytes));
  last_ = {bytes, size};
  return last_;
}

}  // namespace freshet::expr
