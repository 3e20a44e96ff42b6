// Fixed-width little-endian and big-endian numbers in byte strings, and a reader that cannot run
// past the end.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace freshet {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "stored numbers are little-endian and copied as they are");

// Unaligned little-endian access to trivially copyable numbers.
template <typename T>
T Load(const char* from) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}
template <typename T>
void Save(char* to, T value) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::memcpy(to, &value, sizeof(T));
}
template <typename T>
void Append(std::string& to, T value) {
  static_assert(std::is_arithmetic_v<T>);
  to.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

// Big-endian, so that byte order is number order.
void AppendBigEndian32(std::string& to, uint32_t value);
void AppendBigEndian64(std::string& to, uint64_t value);
uint32_t LoadBigEndian32(const char* from);
uint64_t LoadBigEndian64(const char* from);

// A u32 length and then the bytes.
void AppendSized(std::string& to, std::string_view bytes);

// Reads from the front of a byte string. After a read that does not fit, ok() is false and stays
// false, and every read returns zero or nothing; check it once at the end.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  template <typename T>
  T Read() {
    static_assert(std::is_arithmetic_v<T>);
    std::string_view bytes = ReadBytes(sizeof(T));
    return bytes.size() == sizeof(T) ? Load<T>(bytes.data()) : T{};
  }
  std::string_view ReadBytes(size_t size);
  std::string_view ReadSized();

  bool ok() const { return ok_; }
  // All read and nothing overrun.
  bool done() const { return ok_ && rest_.empty(); }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace freshet
