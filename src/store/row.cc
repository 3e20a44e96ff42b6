#include "store/row.h"

#include <bit>

#include <fmt/format.h>

#include "base/check.h"
#include "base/coding.h"

namespace freshet::store {
namespace {

// First bytes. They are on disk: never change or reuse one.
constexpr uint8_t kRowVersion = 1;
constexpr uint8_t kTombstoneVersion = 2;

uint8_t BytesOf(Type type) {
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

void SaveInt(int64_t value, size_t bytes, char* slot) {
  if (bytes == sizeof(int64_t)) return Save(slot, value);
  FRESHET_CHECK(value >= INT32_MIN && value <= INT32_MAX);
  Save(slot, static_cast<int32_t>(value));
}

void SaveDouble(double value, size_t bytes, char* slot) {
  if (bytes == sizeof(double)) return Save(slot, value);
  Save(slot, static_cast<float>(value));
}

// Where the text goes and how long it is; its bytes stand at `offset` of the row.
void SaveText(std::string_view text, size_t offset, char* slot, char* row) {
  Save(slot, static_cast<uint32_t>(offset));
  Save(slot + sizeof(uint32_t), static_cast<uint32_t>(text.size()));
  text.copy(row + offset, text.size());
}

bool IsZero(const char* slot, size_t bytes) {
  if (bytes == sizeof(uint64_t)) return Load<uint64_t>(slot) == 0;
  return bytes == sizeof(uint32_t) ? Load<uint32_t>(slot) == 0 : *slot == '\x00';
}

}  // namespace

RowLayout::RowLayout(std::vector<Type> columns) : columns_(std::move(columns)) {
  size_t offset = kBitmapOffset + (columns_.size() + 7) / 8;
  slots_.reserve(columns_.size());
  for (const Type type : columns_) {
    const auto column = static_cast<uint32_t>(slots_.size());
    const Datum::Kind kind = KindOf(type);
    in_order_.push_back(column);
    if (kind == Datum::Kind::kString) texts_.push_back(column);
    if (kind == Datum::Kind::kString || kind == Datum::Kind::kBool) unsure_.push_back(column);
    slots_.push_back({static_cast<uint32_t>(offset), BytesOf(type), type.kind, kind});
    offset += slots_.back().bytes;
  }
  fixed_bytes_ = offset;
}

void RowLayout::Encode(int64_t event_time_ms, std::span<const Datum> values,
                       std::string& row) const {
  FRESHET_CHECK(values.size() == slots_.size());
  Encode(event_time_ms, values, in_order_, row);
}

void RowLayout::Encode(int64_t event_time_ms, std::span<const Datum> values,
                       std::span<const uint32_t> places, std::string& row) const {
  FRESHET_CHECK(places.size() == slots_.size());
  const Slot* const slots = slots_.data();
  const auto value_of = [&](size_t i) -> const Datum& { return values.data()[places.data()[i]]; };
  size_t row_bytes = fixed_bytes_;
  for (const uint32_t i : texts_)
    if (!value_of(i).is_null()) row_bytes += value_of(i).as_string().size();
  FRESHET_CHECK(row_bytes <= UINT32_MAX);
  const size_t start = row.size();
  row.resize(start + row_bytes, '\x00');
  char* const bytes = row.data() + start;
  bytes[0] = static_cast<char>(kRowVersion);
  Save(bytes + kEventTimeOffset, event_time_ms);
  size_t text_end = fixed_bytes_;
  for (size_t i = 0; i < places.size(); ++i) {
    const Datum& value = value_of(i);
    const Slot& slot = slots[i];
    char* const at = bytes + slot.offset;
    FRESHET_CHECK(value.kind() == slot.kind || value.is_null());
    switch (value.kind()) {
      case Datum::Kind::kNull:
        bytes[kBitmapOffset + i / 8] |= static_cast<char>(1 << (i % 8));
        break;
      case Datum::Kind::kBool:
        *at = value.as_bool() ? '\x01' : '\x00';
        break;
      case Datum::Kind::kInt:
        SaveInt(value.as_int(), slot.bytes, at);
        break;
      case Datum::Kind::kDouble:
        SaveDouble(value.as_double(), slot.bytes, at);
        break;
      case Datum::Kind::kString:
        SaveText(value.as_string(), text_end, at, bytes);
        text_end += value.as_string().size();
        break;
    }
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
  const size_t last_bits = slots_.size() % 8;
  if (last_bits != 0 && Load<uint8_t>(row.data() + kBitmapOffset + slots_.size() / 8) >> last_bits)
    return Status::Corruption("a row marks a column null that it lacks");
  if (!HasSoundNulls(row)) return Status::Corruption("a row holds a value where it marks a null");
  size_t text_end = fixed_bytes_;
  for (const uint32_t i : unsure_) {
    if (!IsNull(row, i) && !IsSound(slots_.data()[i], row, &text_end))
      return Status::Corruption(
          fmt::format("a row holds no {} in column {}", TypeName(columns_[i]), i));
  }
  if (text_end != row.size()) {
    return Status::Corruption(
        fmt::format("a row of {} bytes ends at byte {}", row.size(), text_end));
  }
  return Status::Ok();
}

bool RowLayout::HasSoundNulls(std::string_view row) const {
  for (size_t first = 0; first < slots_.size(); first += 8) {
    auto bits = Load<uint8_t>(row.data() + kBitmapOffset + first / 8);
    for (; bits != 0; bits &= static_cast<uint8_t>(bits - 1)) {
      const Slot& slot = slots_[first + static_cast<size_t>(std::countr_zero(bits))];
      if (!IsZero(row.data() + slot.offset, slot.bytes)) return false;
    }
  }
  return true;
}

bool RowLayout::IsSound(const Slot& slot, std::string_view row, size_t* text_end) {
  const char* const bytes = row.data() + slot.offset;
  if (slot.kind == Datum::Kind::kBool) return *bytes == '\x00' || *bytes == '\x01';
  const size_t length = Load<uint32_t>(bytes + sizeof(uint32_t));
  if (Load<uint32_t>(bytes) != *text_end || length > row.size() - *text_end) return false;
  *text_end += length;
  return true;
}

}  // namespace freshet::store
