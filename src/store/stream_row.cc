#include "store/stream_row.h"

#include <fmt/format.h>

namespace freshet::store {
namespace {

// On disk: never change or reuse one. Timelines, which stand in the same column family, begin with
// another kind.
constexpr uint8_t kStreamRowKind = 'R';
constexpr uint8_t kStreamRowVersion = 1;

}  // namespace

void StreamRow::AppendHeader(int32_t partition, int64_t offset, std::string& bytes) {
  Append(bytes, kStreamRowKind);
  Append(bytes, kStreamRowVersion);
  Append(bytes, partition);
  Append(bytes, offset);
}

Status StreamRow::Validate(const RowLayout& layout, std::string_view bytes) {
  if (bytes.size() < kHeaderBytes + RowLayout::kHeaderBytes) {
    return Status::Corruption(fmt::format("a stream's row of {} bytes; it has {} at least",
                                          bytes.size(), kHeaderBytes + RowLayout::kHeaderBytes));
  }
  const auto kind = Load<uint8_t>(bytes.data());
  const auto version = Load<uint8_t>(bytes.data() + sizeof(kind));
  if (kind != kStreamRowKind || version != kStreamRowVersion) {
    return Status::Corruption(
        fmt::format("a stream's row of kind {} and version {}; this program reads {} and {}", kind,
                    version, kStreamRowKind, kStreamRowVersion));
  }
  if (Load<int32_t>(bytes.data() + kPartitionOffset) < 0 ||
      Load<int64_t>(bytes.data() + kOffsetOffset) < 0) {
    return Status::Corruption("a stream's row is of a place that no event can have");
  }
  return layout.Validate(Row(bytes));
}

bool StreamRow::Merge(std::string_view newer, std::string& stored) {
  if (!stored.empty() && Order(newer) <= Order(stored)) return false;
  stored.assign(newer);
  return true;
}

}  // namespace freshet::store
