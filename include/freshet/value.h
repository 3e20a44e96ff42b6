// The types of fields, join keys and features, and the columns that carry them across the public
// interface.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace freshet {

// A type is its kind and, of a decimal, its scale: how many digits stand after the point.
struct Type {
  // The numbers are written to disk: never change or reuse one.
  enum class Kind : uint8_t {
    kBool = 1,
    kInt32 = 2,  // an int64 whose range is checked where it enters
    kInt64 = 3,
    kFloat = 4,  // a double that is rounded to 32 bits where it enters
    kDouble = 5,
    kString = 6,     // UTF-8
    kTimestamp = 7,  // milliseconds since 1970-01-01T00:00:00Z, as int64
    kBytes = 8,      // of join keys alone: no feature and no request input is of it
    kDecimal = 9,    // exact: an int64 that counts units of 10^-scale, so 12.34 is 1234 of scale 2
  };
  // So that a type is written Type::kInt64.
  static constexpr Kind kBool = Kind::kBool;
  static constexpr Kind kInt32 = Kind::kInt32;
  static constexpr Kind kInt64 = Kind::kInt64;
  static constexpr Kind kFloat = Kind::kFloat;
  static constexpr Kind kDouble = Kind::kDouble;
  static constexpr Kind kString = Kind::kString;
  static constexpr Kind kTimestamp = Kind::kTimestamp;
  static constexpr Kind kBytes = Kind::kBytes;
  static constexpr Kind kDecimal = Kind::kDecimal;

  Kind kind = Kind::kInt64;
  uint8_t scale = 0;  // 0 to kDecimalScaleMax; 0 of all that is no decimal

  constexpr Type() = default;
  constexpr Type(Kind of_kind) : kind(of_kind) {}  // NOLINT: implicit on purpose
  static constexpr Type Decimal(uint8_t scale) {
    Type type(Kind::kDecimal);
    type.scale = scale;
    return type;
  }
  constexpr operator Kind() const { return kind; }  // NOLINT: implicit on purpose

  friend constexpr bool operator==(Type a, Type b) {
    return a.kind == b.kind && a.scale == b.scale;
  }
  // Of the kind alone.
  friend constexpr bool operator==(Type type, Kind kind) { return type.kind == kind; }
};

inline constexpr uint8_t kDecimalScaleMax = 18;

// The name that definitions use: "bool", "int32", "decimal(2)", ...
std::string_view TypeName(Type type);
// False when no type has that name.
bool ParseType(std::string_view name, Type* type);

// A decimal as text, with all the digits of its scale: "12.30" is 1230 of scale 2.
std::string FormatDecimal(int64_t unscaled, uint8_t scale);
// Digits with or without a sign, a point and an exponent. Nothing for other text, for more digits after
// the point than the scale has (zeros aside), and for what an int64 cannot hold.
std::optional<int64_t> ParseDecimal(std::string_view text, uint8_t scale);

// One owned scalar; std::monostate is null. Integers and timestamps are int64_t, and so are decimals: as
// many units as their type says.
using Value = std::variant<std::monostate, bool, int64_t, double, std::string>;

// Values of one type, one a row, without nulls. Exactly one of the arrays is in use:
// integers for kBool (0 or 1), kInt32, kInt64, kTimestamp, kDecimal; numbers for kFloat, kDouble; texts for
// kString and kBytes. In a column of lists it holds the elements of all rows, one list after the other.
struct Column {
  Type type = Type::kInt64;  // of a list: of its elements
  bool is_list = false;
  std::vector<uint32_t> lengths;  // of lists: of each row's
  std::vector<int64_t> integers;
  std::vector<double> numbers;
  std::vector<std::string> texts;

  // How many rows.
  size_t size() const;
  // The value of one row; row < size(). Not of a column of lists.
  Value at(size_t row) const;
  // The list of one row, as a column of its elements; row < size().
  Column list_at(size_t row) const;
};

struct NamedColumn {
  std::string name;
  Column values;
};

}  // namespace freshet
