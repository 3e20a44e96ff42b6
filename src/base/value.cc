#include "freshet/value.h"

#include <array>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace freshet {
namespace {

constexpr std::array<std::pair<Type, std::string_view>, 8> kTypeNames = {{
    {Type::kBool, "bool"},
    {Type::kInt32, "int32"},
    {Type::kInt64, "int64"},
    {Type::kFloat, "float"},
    {Type::kDouble, "double"},
    {Type::kString, "string"},
    {Type::kTimestamp, "timestamp"},
    {Type::kBytes, "bytes"},
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
