#include "store/row_arena.h"

#include <algorithm>
#include <utility>

#include <sys/mman.h>

namespace freshet::store {
namespace {

// A huge page of most processors: rows that are sorted are read all over the memory, and where each lies
// on its page of 4 kB, looking up the page takes longer than reading the row.
constexpr size_t kBlockBytes = 2u << 20;
// So that a small budget is not all taken by its first block.
constexpr size_t kBlocksPerBudget = 16;

}  // namespace

RowArena::RowArena(size_t memory_bytes)
    : block_bytes_(std::min(kBlockBytes, memory_bytes / kBlocksPerBudget)) {}

char* RowArena::Allocate(size_t size) {
  if (size > left_) {
    if (!HasSpareFor(size)) {
      blocks_.push_back(NewBlock(BlockBytesFor(size)));
      held_bytes_ += blocks_.back().size;
      std::swap(blocks_[filled_], blocks_.back());
    }
    const Block& block = blocks_[filled_++];
    filled_bytes_ += block.size;
    next_ = block.bytes.get();
    left_ = block.size;
  }
  left_ -= size;
  return std::exchange(next_, next_ + size);
}

RowArena::Block RowArena::NewBlock(size_t size) {
  const bool is_page = size == kBlockBytes;
  const auto alignment = std::align_val_t(is_page ? kBlockBytes : alignof(std::max_align_t));
  Block block = {{static_cast<char*>(operator new(size, alignment)), {alignment}}, size};
  // A wish: where it is not granted, the block has pages as others have.
  if (is_page) madvise(block.bytes.get(), size, MADV_HUGEPAGE);
  return block;
}

void RowArena::Reset() {
  filled_ = 0;
  filled_bytes_ = 0;
  left_ = 0;
}

void RowArena::DropSpare() {
  for (; blocks_.size() > filled_; blocks_.pop_back()) held_bytes_ -= blocks_.back().size;
}

}  // namespace freshet::store
