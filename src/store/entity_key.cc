#include "store/entity_key.h"

#include <fmt/format.h>

#include "base/coding.h"
#include "base/limits.h"

namespace freshet::store {
namespace {

// In a string, 00 is escaped so that the terminator, which is smaller than any escaped or plain
// continuation, can be told apart: a prefix sorts before what it is a prefix of.
constexpr char kEscape = '\x00';
constexpr char kEscapedZero = '\xFF';
constexpr char kTerminator = '\x01';
constexpr uint64_t kSignBit = uint64_t{1} << 63;

bool FitsInt32(int64_t value) {
  return value >= INT32_MIN && value <= INT32_MAX;
}

Status WrongKind(Type type, const Datum& value) {
  if (value.is_null()) {
    return Status::InvalidArgument(
        fmt::format("a join key of type {} is null; give every join key a value", TypeName(type)));
  }
  return Status::InvalidArgument(fmt::format("a join key of type {} cannot hold {}", TypeName(type),
                                             ToString(value).substr(0, 100)));
}

void AppendInteger(int64_t value, std::string& key) {
  AppendBigEndian64(key, static_cast<uint64_t>(value) ^ kSignBit);
}

Status AppendText(std::string_view text, std::string& key) {
  if (text.size() > limits::kStringValueBytesMax) {
    return Status::InvalidArgument(fmt::format("a join key of {} bytes is too long; at most {}",
                                               text.size(), limits::kStringValueBytesMax));
  }
  for (size_t zero = text.find(kEscape); zero != std::string_view::npos;
       zero = text.find(kEscape)) {
    key.append(text.substr(0, zero));
    key.push_back(kEscape);
    key.push_back(kEscapedZero);
    text.remove_prefix(zero + 1);
  }
  key.append(text);
  key.push_back(kEscape);
  key.push_back(kTerminator);
  return Status::Ok();
}

Status AppendUnbounded(Type type, const Datum& value, std::string& key) {
  switch (type) {
    case Type::kBool:
      if (value.kind() != Datum::Kind::kBool) return WrongKind(type, value);
      key.push_back(value.as_bool() ? '\x01' : '\x00');
      return Status::Ok();
    case Type::kInt32:
      if (value.kind() != Datum::Kind::kInt || !FitsInt32(value.as_int()))
        return WrongKind(type, value);
      AppendInteger(value.as_int(), key);
      return Status::Ok();
    case Type::kInt64:
      if (value.kind() != Datum::Kind::kInt) return WrongKind(type, value);
      AppendInteger(value.as_int(), key);
      return Status::Ok();
    case Type::kString:
    case Type::kBytes:
      if (value.kind() != Datum::Kind::kString) return WrongKind(type, value);
      return AppendText(value.as_string(), key);
    case Type::kFloat:
    case Type::kDouble:
    case Type::kTimestamp:
    case Type::kDecimal:
      break;
  }
  return Status::InvalidArgument(fmt::format(
      "{} is no type for a join key; use bool, int32, int64, string or bytes", TypeName(type)));
}

Status Broken(size_t at, std::string_view what) {
  return Status::Corruption(fmt::format("entity key: {} at byte {}", what, at));
}

// Takes one string off the front of `rest`; false when no terminator ends it.
bool TakeText(std::string_view& rest, std::string& text) {
  while (true) {
    size_t zero = rest.find(kEscape);
    if (zero == std::string_view::npos || zero + 1 >= rest.size()) return false;
    text.append(rest.substr(0, zero));
    char mark = rest[zero + 1];
    rest.remove_prefix(zero + 2);
    if (mark == kTerminator) return true;
    if (mark != kEscapedZero) return false;
    text.push_back('\x00');
  }
}

// Takes one value off the front of `rest`; std::monostate when the bytes are none of this type.
Value TakeValue(Type type, std::string_view& rest) {
  if (type == Type::kString || type == Type::kBytes) {
    std::string text;
    if (!TakeText(rest, text) || text.size() > limits::kStringValueBytesMax) return {};
    return text;
  }
  size_t size = type == Type::kBool ? 1 : 8;
  if (rest.size() < size) return {};
  const char* bytes = rest.data();
  rest.remove_prefix(size);
  if (type == Type::kBool) {
    if (*bytes != '\x00' && *bytes != '\x01') return {};
    return *bytes == '\x01';
  }
  auto integer = static_cast<int64_t>(LoadBigEndian64(bytes) ^ kSignBit);
  if (type == Type::kInt32 && !FitsInt32(integer)) return {};
  return integer;
}

}  // namespace

Status AppendEntityKey(Type type, const Datum& value, std::string& bytes, size_t key_begin) {
  const size_t before = bytes.size();
  Status status = AppendUnbounded(type, value, bytes);
  if (status.ok() && bytes.size() - key_begin > limits::kEntityKeyBytesMax) {
    status = Status::InvalidArgument(
        fmt::format("the entity key is longer than {} bytes", limits::kEntityKeyBytesMax));
  }
  if (!status.ok()) bytes.resize(before);
  return status;
}

Result<std::vector<Value>> DecodeEntityKey(std::span<const Type> types, std::string_view key) {
  if (key.size() > limits::kEntityKeyBytesMax)
    return Broken(limits::kEntityKeyBytesMax, "too many bytes");
  std::vector<Value> values;
  values.reserve(types.size());
  std::string_view rest = key;
  for (Type type : types) {
    size_t at = key.size() - rest.size();
    if (type == Type::kFloat || type == Type::kDouble || type == Type::kTimestamp ||
        type == Type::kDecimal)
      return Broken(at, fmt::format("a {}, which no join key can be,", TypeName(type)));
    Value value = TakeValue(type, rest);
    if (std::holds_alternative<std::monostate>(value))
      return Broken(at, fmt::format("no {}", TypeName(type)));
    values.push_back(std::move(value));
  }
  if (!rest.empty()) return Broken(key.size() - rest.size(), "bytes beyond the last value");
  return values;
}

}  // namespace freshet::store
