// Memory for rows that are gathered, all of which is let go at once and used again.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <vector>

namespace freshet::store {

// Blocks, filled one after the other. One thread at a time.
class RowArena {
 public:
  // `memory_bytes` is what its owner means to fill, which tells how large blocks are.
  explicit RowArena(size_t memory_bytes);

  // The bytes last until Reset.
  char* Allocate(size_t size);
  // What Allocate adds to filled_bytes().
  size_t BytesFor(size_t size) const { return size > left_ ? BlockBytesFor(size) : 0; }
  // What Allocate adds to held_bytes().
  size_t NewBytesFor(size_t size) const {
    return size > left_ && !HasSpareFor(size) ? BlockBytesFor(size) : 0;
  }

  // Of blocks that are filled, and what Allocate gave of the last.
  size_t used_bytes() const { return filled_bytes_ - left_; }
  // Of blocks that are filled, or are being.
  size_t filled_bytes() const { return filled_bytes_; }
  // Of all blocks.
  size_t held_bytes() const { return held_bytes_; }

  // All blocks are spare from here on: pages that are new each time would cost more than what is done with
  // them.
  void Reset();
  void DropSpare();

 private:
  struct Block {
    struct Deleter {
      std::align_val_t alignment;
      void operator()(char* bytes) const { operator delete(bytes, alignment); }
    };
    std::unique_ptr<char, Deleter> bytes;
    size_t size = 0;
  };

  static Block NewBlock(size_t size);
  size_t BlockBytesFor(size_t size) const { return size > block_bytes_ ? size : block_bytes_; }
  bool HasSpareFor(size_t size) const {
    return filled_ < blocks_.size() && blocks_[filled_].size >= size;
  }

  size_t block_bytes_;
  std::vector<Block> blocks_;
  size_t filled_ = 0;  // of the blocks; others are spare
  size_t filled_bytes_ = 0;
  size_t held_bytes_ = 0;
  char* next_ = nullptr;
  size_t left_ = 0;
};

}  // namespace freshet::store
