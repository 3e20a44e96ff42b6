#include "freshet/value.h"

#include <array>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace freshet {
namespace {

constexpr std::array<std::pair<Type, std::string_view>, 8 + kDecimalScaleMax + 1> kTypeNames = {{
    {Type::kBool, "bool"},
    {Type::kInt32, "int32"},
    {Type::kInt64, "int64"},
    {Type::kFloat, "float"},
    {Type::kDouble, "double"},
    {Type::kString, "string"},
    {Type::kTimestamp, "timestamp"},
    {Type::kBytes, "bytes"},
    {Type::Decimal(0), "decimal(0)"},
    {Type::Decimal(1), "decimal(1)"},
    {Type::Decimal(2), "decimal(2)"},
    {Type::Decimal(3), "decimal(3)"},
    {Type::Decimal(4), "decimal(4)"},
    {Type::Decimal(5), "decimal(5)"},
    {Type::Decimal(6), "decimal(6)"},
    {Type::Decimal(7), "decimal(7)"},
    {Type::Decimal(8), "decimal(8)"},
    {Type::Decimal(9), "decimal(9)"},
    {Type::Decimal(10), "decimal(10)"},
    {Type::Decimal(11), "decimal(11)"},
    {Type::Decimal(12), "decimal(12)"},
    {Type::Decimal(13), "decimal(13)"},
    {Type::Decimal(14), "decimal(14)"},
    {Type::Decimal(15), "decimal(15)"},
    {Type::Decimal(16), "decimal(16)"},
    {Type::Decimal(17), "decimal(17)"},
    {Type::Decimal(18), "decimal(18)"},
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
  if (is_list) return lengths.size();
  switch (type) {
    case Type::kFloat:
    case Type::kDouble:
      return numbers.size();
    case Type::kString:
    case Type::kBytes:
      return texts.size();
    default:
      return integers.size();
  }
}

Value Column::at(size_t row) const {
  FRESHET_CHECK(!is_list);
  FRESHET_CHECK(row < size());
  switch (type) {
    case Type::kBool:
      return integers[row] != 0;
    case Type::kFloat:
    case Type::kDouble:
      return numbers[row];
    case Type::kString:
    case Type::kBytes:
      return texts[row];
    default:
      return integers[row];
  }
}

Column Column::list_at(size_t row) const {
  FRESHET_CHECK(is_list);
  FRESHET_CHECK(row < size());
  const size_t begin =
      std::accumulate(lengths.begin(), lengths.begin() + static_cast<ptrdiff_t>(row), size_t{0});
  const auto slice = [&](const auto& from, auto* to) {
    if (from.empty()) return;
    FRESHET_CHECK(begin + lengths[row] <= from.size());
    const auto first = from.begin() + static_cast<ptrdiff_t>(begin);
    to->assign(first, first + lengths[row]);
  };
  Column list;
  list.type = type;
  slice(integers, &list.integers);
  slice(numbers, &list.numbers);
  slice(texts, &list.texts);
  return list;
}

}  // namespace freshet
