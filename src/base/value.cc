#include "freshet/value.h"

#include <array>
#include <utility>

#include "base/check.h"

namespace freshet {
namespace {

constexpr std::array<std::pair<Type, std::string_view>, 7> kTypeNames = {{
    {Type::kBool, "bool"},
    {Type::kInt32, "int32"},
    {Type::kInt64, "int64"},
    {Type::kFloat, "float"},
    {Type::kDouble, "double"},
    {Type::kString, "string"},
    {Type::kTimestamp, "timestamp"},
}};

}  // namespace

std::string_view TypeName(Type type) {
  for (const auto& [known, name] : kTypeNames) {
    if (known == type) return name;
  }
  return "unknown";
}

bool ParseType(std::string_view name, Type* type) {
  for (const auto& [known, known_name] : kTypeNames) {
    if (known_name == name) {
      *type = known;
      return true;
    }
  }
  return false;
}

size_t Column::size() const {
  switch (type) {
    case Type::kFloat:
    case Type::kDouble:
      return numbers.size();
    case Type::kString:
      return texts.size();
    default:
      return integers.size();
  }
}

Value Column::at(size_t row) const {
  FRESHET_CHECK(row < size());
  switch (type) {
    case Type::kBool:
      return integers[row] != 0;
    case Type::kFloat:
    case Type::kDouble:
      return numbers[row];
    case Type::kString:
      return texts[row];
    default:
      return integers[row];
  }
}

}  // namespace freshet
