// The types of fields, join keys and features, and the columns that carry them across the public
// interface.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace freshet {

// The numbers are written to disk: never change or reuse one.
enum class Type : uint8_t {
  kBool = 1,
  kInt32 = 2,  // an int64 whose range is checked where it enters
  kInt64 = 3,
  kFloat = 4,  // a double that is rounded to 32 bits where it enters
  kDouble = 5,
  kString = 6,     // UTF-8
  kTimestamp = 7,  // milliseconds since 1970-01-01T00:00:00Z, as int64
  kBytes = 8,      // of join keys alone: no feature and no request input is of it
};

// The name that definitions use: "bool", "int32", ...
std::string_view TypeName(Type type);
// False when no type has that name.
bool ParseType(std::string_view name, Type* type);

// One owned scalar; std::monostate is null. Integers and timestamps are int64_t.
using Value = std::variant<std::monostate, bool, int64_t, double, std::string>;

// Values of one type, one a row, without nulls. Exactly one of the arrays is in use:
// integers for kBool (0 or 1), kInt32, kInt64, kTimestamp; numbers for kFloat, kDouble; texts for
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
