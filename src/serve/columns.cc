#include "serve/columns.h"

#include <cmath>
#include <limits>
#include <optional>

#include "base/decimal.h"

namespace freshet::serve {
namespace {

bool IsInteger(Type type) {
  return type == Type::kInt32 || type == Type::kInt64;
}
bool IsSoundDecimal(Type type) {
  return type == Type::kDecimal && type.scale <= kDecimalScaleMax;
}
bool IsNumber(Type type) {
  return type == Type::kFloat || type == Type::kDouble;
}

Narrowed NarrowToNumber(Type declared, double value) {
  if (std::isnan(value)) return {};
  if (declared == Type::kDouble) return {Datum::Double(value)};
  // Rounding to 32 bits takes what is not far beyond the largest float back to it; past that, the
  // cast is undefined.
  constexpr double kLargest = std::numeric_limits<float>::max();
  if (std::isfinite(value) && std::abs(value) > kLargest) {
    return {{}, "the result does not fit float"};
  }
  return {Datum::Double(static_cast<double>(static_cast<float>(value)))};
}

Narrowed NarrowToDecimal(Type declared, Type given, const Datum& value) {
  std::optional<int64_t> unscaled;
  if (value.kind() == Datum::Kind::kString)
    unscaled = ParseDecimal(value.as_string(), declared.scale);
  else if (value.kind() == Datum::Kind::kInt)
    unscaled = Rescale(value.as_int(), given.scale, declared.scale);
  if (!unscaled.has_value()) return {{}, "the result does not fit the decimal"};
  return {Datum::Int(*unscaled)};
}

}  // namespace

Narrowed NarrowTo(Type declared, Type given, const Datum& value) {
  if (value.is_null()) return {};
  if (declared == Type::kDecimal) return NarrowToDecimal(declared, given, value);
  if (IsNumber(declared)) {
    if (value.kind() == Datum::Kind::kDouble) return NarrowToNumber(declared, value.as_double());
    if (value.kind() == Datum::Kind::kInt) {
      return NarrowToNumber(declared, static_cast<double>(value.as_int()));
    }
  }
  if (value.kind() != KindOf(declared)) return {{}, "the result is not of the declared type"};
  if (declared == Type::kInt32 && (value.as_int() < std::numeric_limits<int32_t>::min() ||
                                   value.as_int() > std::numeric_limits<int32_t>::max())) {
    return {{}, "the result does not fit int32"};
  }
  return {value};
}

bool IsAccepted(Type declared, Type given) {
  if (declared == given) return true;
  if (IsInteger(declared) && IsInteger(given)) return true;
  if (IsNumber(declared)) return IsNumber(given) || IsInteger(given);
  if (declared == Type::kDecimal)
    return IsSoundDecimal(given) || IsInteger(given) || given == Type::kString;
  if (declared == Type::kInt64) return given == Type::kTimestamp;
  if (declared == Type::kTimestamp) return given == Type::kInt64;
  return false;
}

}  // namespace freshet::serve
