// The rows that a look-up finds in one table, copied while the store shows them, so that it holds its lock for no longer than a copy
// and that they are read a column at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace freshet::serve {

class FoundRows {
 public:
  void Clear() {
    bytes_.clear();
    begins_.clear();
    rows_.clear();
  }
  // `row` is the one of the answer.
  void Add(uint32_t row, std::string_view bytes) {
    begins_.push_back(bytes_.size());
    rows_.push_back(row);
    bytes_.append(bytes);
  }

  // All of the one row that there is.
  std::string_view OnlyRow() const { return bytes_; }
  // What it keeps for the next look-up.
  size_t held_bytes() const { return bytes_.capacity(); }
  bool empty() const { return rows_.empty(); }
  // The rows of the answer, and for each where its bytes begin: until the next Add.
  std::span<const uint32_t> rows() const { return rows_; }
  std::span<const char* const> Begins() {
    pointers_.clear();
    for (const size_t begin : begins_) pointers_.push_back(bytes_.data() + begin);
    return pointers_;
  }

 private:
  std::string bytes_;
  std::vector<size_t> begins_;
  std::vector<uint32_t> rows_;
  std::vector<const char*> pointers_;
};

}  // namespace freshet::serve
