// The parts that messages of protobuf are made of, measured and written by hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

namespace freshet::rpc {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;

// Every field number of these messages is below 16, so that a tag is one byte.
constexpr size_t kTagBytes = 1;

constexpr uint8_t Tag(int field_number, WireFormatLite::WireType type) {
  return static_cast<uint8_t>((field_number << 3) | type);
}
constexpr uint8_t VarintTag(int field_number) {
  return Tag(field_number, WireFormatLite::WIRETYPE_VARINT);
}
constexpr uint8_t BytesTag(int field_number) {
  return Tag(field_number, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
}

// Most lengths and counts are of one byte.
inline size_t VarintBytes(uint64_t value) {
  return value < 0x80 ? 1 : CodedOutputStream::VarintSize64(value);
}
inline uint8_t* WriteVarint(uint64_t value, uint8_t* out) {
  if (value < 0x80) {
    *out = static_cast<uint8_t>(value);
    return out + 1;
  }
  return CodedOutputStream::WriteVarint64ToArray(value, out);
}

// A field of a known length: its tag, the length, and the bytes themselves.
inline size_t FieldBytes(size_t content_bytes) {
  return kTagBytes + VarintBytes(content_bytes) + content_bytes;
}
inline uint8_t* WriteFieldHead(int field_number, size_t content_bytes, uint8_t* out) {
  *out++ = BytesTag(field_number);
  return WriteVarint(content_bytes, out);
}
inline uint8_t* WriteRaw(const void* data, size_t bytes, uint8_t* out) {
  if (bytes > 0) std::memcpy(out, data, bytes);
  return out + bytes;
}
inline uint8_t* WriteText(int field_number, std::string_view text, uint8_t* out) {
  return WriteRaw(text.data(), text.size(), WriteFieldHead(field_number, text.size(), out));
}
inline size_t TextFieldBytes(std::string_view text) {
  return text.empty() ? 0 : FieldBytes(text.size());
}
inline uint8_t* WriteTextField(int field_number, std::string_view text, uint8_t* out) {
  return text.empty() ? out : WriteText(field_number, text, out);
}

// A scalar that proto3 leaves out when it is zero.
inline size_t VarintFieldBytes(uint64_t value) {
  return value == 0 ? 0 : kTagBytes + VarintBytes(value);
}
inline uint8_t* WriteVarintField(int field_number, uint64_t value, uint8_t* out) {
  if (value == 0) return out;
  *out++ = VarintTag(field_number);
  return WriteVarint(value, out);
}

}  // namespace freshet::rpc
