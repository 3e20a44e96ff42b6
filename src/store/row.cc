#include "store/row.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/coding.h"

namespace freshet::store {
namespace {

// First bytes. They are on disk: never change or reuse one.
constexpr uint8_t kRowVersion = 1;
constexpr uint8_t kTombstoneVersion = 2;

size_t WidthOf(Type type) {
  switch (type) {
    case Type::kBool:
      return 1;
    case Type::kInt32:
    case Type::kFloat:
      return 4;
    case Type::kInt64:
    case Type::kDouble:
    case Type::kTimestamp:
    case Type::kBytes:
    case Type::kDecimal:
    case Type::kString:  // u32 offset from the row's start, u32 length
      return 8;
  }
  CheckFailed(__FILE__, __LINE__, "a type that exists");
}

void SaveText(std::string_view text, size_t row_start, size_t slot, std::string& row) {
  size_t offset = row.size() - row_start;
  FRESHET_CHECK(offset + text.size() <= UINT32_MAX);
  Save(row.data() + slot, static_cast<uint32_t>(offset));
  Save(row.data() + slot + sizeof(uint32_t), static_cast<uint32_t>(text.size()));
  row.append(text);
}

void SaveValue(Type type, const Datum& value, size_t row_start, size_t slot, std::string& row) {
  switch (type) {
    case Type::kBool:
      row[slot] = value.as_bool() ? '\x01' : '\x00';
      return;
    case Type::kInt32:
      FRESHET_CHECK(value.as_int() >= INT32_MIN && value.as_int() <= INT32_MAX);
      Save(row.data() + slot, static_cast<int32_t>(value.as_int()));
      return;
    case Type::kInt64:
    case Type::kTimestamp:
    case Type::kDecimal:
      Save(row.data() + slot, value.as_int());
      return;
    case Type::kFloat:
      Save(row.data() + slot, static_cast<float>(value.as_double()));
      return;
    case Type::kDouble:
      Save(row.data() + slot, value.as_double());
      return;
    case Type::kString:
    case Type::kBytes:
      SaveText(value.as_string(), row_start, slot, row);
      return;
  }
}

// Whether a column of no variable part holds bytes that Encode can have written.
bool FixedColumnIsSound(Type type, bool null, std::string_view slot) {
  if (null) return slot.find_first_not_of('\x00') == std::string_view::npos;
  return type != Type::kBool || slot[0] == '\x00' || slot[0] == '\x01';
}

}  // namespace

RowLayout::RowLayout(std::vector<Type> columns) : columns_(std::move(columns)) {
  size_t offset = kBitmapOffset + (columns_.size() + 7) / 8;
  offsets_.reserve(columns_.size());
  for (Type type : columns_) {
    offsets_.push_back(static_cast<uint32_t>(offset));
    offset += WidthOf(type);
  }
  fixed_bytes_ = offset;
}

void RowLayout::Encode(int64_t event_time_ms, std::span<const Datum> values,
                       std::string& row) const {
  FRESHET_CHECK(values.size() == columns_.size());
  size_t start = row.size();
  row.resize(start + fixed_bytes_, '\x00');
  row[start] = static_cast<char>(kRowVersion);
  Save(row.data() + start + kEventTimeOffset, event_time_ms);
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (values[i].is_null()) {
      row[start + kBitmapOffset + i / 8] |= static_cast<char>(1 << (i % 8));
      continue;
    }
    FRESHET_CHECK(values[i].kind() == KindOf(columns_[i]));
    SaveValue(columns_[i], values[i], start, start + offsets_[i], row);
  }
}

void RowLayout::EncodeTombstone(int64_t event_time_ms, std::string& row) {
  const size_t start = row.size();
  row.resize(start + kTombstoneBytes);
  row[start] = static_cast<char>(kTombstoneVersion);
  Save(row.data() + start + kEventTimeOffset, event_time_ms);
}

bool RowLayout::IsTombstone(std::string_view row) {
  return !row.empty() && static_cast<uint8_t>(row[0]) == kTombstoneVersion;
}

Status RowLayout::Validate(std::string_view row) const {
  if (IsTombstone(row)) {
    if (row.size() == kTombstoneBytes) return Status::Ok();
    return Status::Corruption(
        fmt::format("a tombstone of {} bytes, where it has {}", row.size(), kTombstoneBytes));
  }
  if (row.size() < fixed_bytes_) {
    return Status::Corruption(fmt::format("a row of {} bytes is shorter than its {} fixed bytes",
                                          row.size(), fixed_bytes_));
  }
  if (static_cast<uint8_t>(row[0]) != kRowVersion) {
    return Status::Corruption(fmt::format("a row of version {}; this program reads version {}",
                                          static_cast<uint8_t>(row[0]), kRowVersion));
  }
  for (size_t bit = columns_.size(); bit % 8 != 0; ++bit) {
    if (IsNull(row, bit)) return Status::Corruption("a row marks a column null that it lacks");
  }
  size_t text_end = fixed_bytes_;
  for (size_t i = 0; i < columns_.size(); ++i) {
    std::string_view slot = row.substr(offsets_[i], WidthOf(columns_[i]));
    bool null = IsNull(row, i);
    bool sound = FixedColumnIsSound(columns_[i], null, slot);
    if (sound && !null && KindOf(columns_[i]) == Datum::Kind::kString) {
      size_t length = Load<uint32_t>(slot.data() + sizeof(uint32_t));
      sound = Load<uint32_t>(slot.data()) == text_end && length <= row.size() - text_end;
      if (sound) text_end += length;
    }
    if (!sound)
      return Status::Corruption(
          fmt::format("a row holds no {} in column {}", TypeName(columns_[i]), i));
  }
  if (text_end != row.size()) {
    return Status::Corruption(
        fmt::format("a row of {} bytes ends at byte {}", row.size(), text_end));
  }
  return Status::Ok();
}

}  // namespace freshet::store
