#include "load/arrow_column.h"

#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include <arrow/extension_type.h>
#include <arrow/type_traits.h>
#include <arrow/util/decimal.h>
#include <arrow/util/float16.h>
#include <fmt/format.h>

#include "base/check.h"
#include "base/decimal.h"

namespace freshet::load {
namespace {

using registry::TimestampUnit;

constexpr int64_t kMillisecondsPerDay = 86'400'000;

// Reads a run with Column's own Read, which is bound here and not at every value.
template <typename Column>
class RunningColumn : public ArrowColumn {
 public:
  bool ReadRun(int64_t begin, int64_t count, Datum* values, size_t stride) const final {
    const auto& column = static_cast<const Column&>(*this);
    for (int64_t i = begin; i < begin + count; ++i, values += stride)
      if (column.Column::Read(i, values) != Problem::kNone) return false;
    return true;
  }
};

// What an array of this type says at `i`, as `convert(value, datum)` takes it.
template <typename Array, typename Convert>
class PlainColumn final : public RunningColumn<PlainColumn<Array, Convert>> {
 public:
  explicit PlainColumn(Convert convert) : convert_(std::move(convert)) {}

  void Bind(const arrow::Array& array) override {
    array_ = static_cast<const Array*>(&array);
    has_nulls_ = array.null_count() > 0;
  }
  Problem Read(int64_t i, Datum* value) const override {
    if (has_nulls_ && array_->IsNull(i)) {
      *value = Datum::Null();
      return Problem::kNone;
    }
    return convert_(array_->GetView(i), value);
  }

 private:
  const Convert convert_;
  const Array* array_ = nullptr;
  bool has_nulls_ = false;
};

template <typename Array, typename Convert>
std::unique_ptr<ArrowColumn> Plain(Convert convert) {
  return std::make_unique<PlainColumn<Array, Convert>>(std::move(convert));
}

class NullColumn final : public RunningColumn<NullColumn> {
 public:
  void Bind(const arrow::Array&) override {}
  Problem Read(int64_t, Datum* value) const override {
    *value = Datum::Null();
    return Problem::kNone;
  }
};

class DictionaryColumn final : public RunningColumn<DictionaryColumn> {
 public:
  explicit DictionaryColumn(std::unique_ptr<ArrowColumn> values) : values_(std::move(values)) {}

  void Bind(const arrow::Array& array) override {
    array_ = static_cast<const arrow::DictionaryArray*>(&array);
    has_nulls_ = array.null_count() > 0;
    places_ = array_->indices()->type_id() == arrow::Type::INT32
                  ? array_->indices()->data()->GetValues<int32_t>(1)
                  : nullptr;
    values_->Bind(*array_->dictionary());
    ReadDictionary(array_->dictionary()->length());
  }
  Problem Read(int64_t i, Datum* value) const override {
    if (has_nulls_ && array_->IsNull(i)) {
      *value = Datum::Null();
      return Problem::kNone;
    }
    const int64_t index = places_ != nullptr ? places_[i] : array_->GetValueIndex(i);
    if (read_.empty()) return values_->Read(index, value);
    *value = read_[static_cast<size_t>(index)];
    return Problem::kNone;
  }

 private:
  // Each value once, unless there are more of them than rows, or one has a problem.
  void ReadDictionary(int64_t length) {
    read_.clear();
    if (length > array_->length()) return;
    read_.resize(static_cast<size_t>(length));
    if (!values_->ReadRun(0, length, read_.data(), 1)) read_.clear();
  }

  const std::unique_ptr<ArrowColumn> values_;
  const arrow::DictionaryArray* array_ = nullptr;
  const int32_t* places_ = nullptr;  // where they are of the usual type
  bool has_nulls_ = false;
  std::vector<Datum> read_;  // what the dictionary has, or nothing
};

class ExtensionColumn final : public RunningColumn<ExtensionColumn> {
 public:
  explicit ExtensionColumn(std::unique_ptr<ArrowColumn> storage) : storage_(std::move(storage)) {}

  void Bind(const arrow::Array& array) override {
    storage_->Bind(*static_cast<const arrow::ExtensionArray&>(array).storage());
  }
  Problem Read(int64_t i, Datum* value) const override { return storage_->Read(i, value); }

 private:
  const std::unique_ptr<ArrowColumn> storage_;
};

std::unique_ptr<ArrowColumn> NewBoolColumn(const arrow::DataType& type) {
  if (type.id() != arrow::Type::BOOL) return nullptr;
  return Plain<arrow::BooleanArray>([](bool flag, Datum* value) {
    *value = Datum::Bool(flag);
    return Problem::kNone;
  });
}

// `fit` takes int64_t.
template <typename Fit>
std::unique_ptr<ArrowColumn> NewIntegerColumn(const arrow::DataType& type, Fit fit) {
  const auto plain = [fit](auto number, Datum* value) {
    return fit(static_cast<int64_t>(number), value);
  };
  switch (type.id()) {
    case arrow::Type::INT8:
      return Plain<arrow::Int8Array>(plain);
    case arrow::Type::INT16:
      return Plain<arrow::Int16Array>(plain);
    case arrow::Type::INT32:
      return Plain<arrow::Int32Array>(plain);
    case arrow::Type::INT64:
      return Plain<arrow::Int64Array>(plain);
    case arrow::Type::UINT8:
      return Plain<arrow::UInt8Array>(plain);
    case arrow::Type::UINT16:
      return Plain<arrow::UInt16Array>(plain);
    case arrow::Type::UINT32:
      return Plain<arrow::UInt32Array>(plain);
    case arrow::Type::UINT64:
      return Plain<arrow::UInt64Array>([fit](uint64_t number, Datum* value) {
        if (number > INT64_MAX) return Problem::kOutOfRange;
        return fit(static_cast<int64_t>(number), value);
      });
    default:
      return nullptr;
  }
}

// `use` takes one of Arrow's decimals.
template <typename DecimalType, typename Use>
std::unique_ptr<ArrowColumn> DecimalColumn(Use use) {
  using Traits = arrow::TypeTraits<DecimalType>;
  return Plain<typename Traits::ArrayType>([use](std::string_view bytes, Datum* value) {
    return use(typename Traits::CType(reinterpret_cast<const uint8_t*>(bytes.data())), value);
  });
}

// `use` takes decimals of any width.
template <typename Use>
std::unique_ptr<ArrowColumn> NewDecimalColumn(const arrow::DataType& type, Use use) {
  switch (type.id()) {
    case arrow::Type::DECIMAL32:
      return DecimalColumn<arrow::Decimal32Type>(use);
    case arrow::Type::DECIMAL64:
      return DecimalColumn<arrow::Decimal64Type>(use);
    case arrow::Type::DECIMAL128:
      return DecimalColumn<arrow::Decimal128Type>(use);
    case arrow::Type::DECIMAL256:
      return DecimalColumn<arrow::Decimal256Type>(use);
    default:
      return nullptr;
  }
}

int32_t ScaleOf(const arrow::DataType& decimal_type) {
  return static_cast<const arrow::DecimalType&>(decimal_type).scale();
}

// The digits of a decimal as an integer; nothing when they are too many.
template <typename Decimal>
std::optional<int64_t> UnscaledInt64(const Decimal& decimal) {
  const auto number = static_cast<int64_t>(decimal.low_bits());
  return Decimal(number) == decimal ? std::optional(number) : std::nullopt;
}

// Decimals without a fraction.
template <typename Fit>
std::unique_ptr<ArrowColumn> NewWholeDecimalColumn(const arrow::DataType& type, Fit fit) {
  if (!arrow::is_decimal(type.id()) || ScaleOf(type) != 0) return nullptr;
  return NewDecimalColumn(type, [fit](const auto& decimal, Datum* value) {
    const std::optional<int64_t> number = UnscaledInt64(decimal);
    return number.has_value() ? fit(*number, value) : Problem::kOutOfRange;
  });
}

// The number as a decimal of the wanted scale. Arrow's scale may be negative.
template <typename Decimal>
Problem FitScaled(const Decimal& decimal, int32_t scale, Type wanted, Datum* value) {
  const std::optional<int64_t> number = UnscaledInt64(decimal);
  if (number.has_value() && scale >= 0 && scale <= wanted.scale) {
    const std::optional<int64_t> rescaled =
        Rescale(*number, static_cast<uint8_t>(scale), wanted.scale);
    if (!rescaled.has_value()) return Problem::kOutOfRange;
    *value = Datum::Int(*rescaled);
    return Problem::kNone;
  }
  const std::string text = fmt::format("{}e{}", decimal.ToIntegerString(), -int64_t{scale});
  return FitDecimal(wanted, text, value);
}

std::unique_ptr<ArrowColumn> NewIntColumn(const arrow::DataType& type, Type wanted) {
  const auto fit = [wanted](int64_t number, Datum* value) { return FitInt(wanted, number, value); };
  std::unique_ptr<ArrowColumn> column = NewIntegerColumn(type, fit);
  return column != nullptr ? std::move(column) : NewWholeDecimalColumn(type, fit);
}

// What is not a number is null, as in expressions; pandas writes its nulls so.
Problem FitNumber(Type wanted, double number, Datum* value) {
  if (!std::isnan(number)) return FitDouble(wanted, number, value);
  *value = Datum::Null();
  return Problem::kNone;
}

// The double nearest to a decimal, to which Arrow's own conversion only comes close.
std::unique_ptr<ArrowColumn> NewDecimalToDoubleColumn(const arrow::DataType& type, Type wanted) {
  // Doubles hold integers and powers of ten exactly up to these, so that one division rounds once.
  constexpr int64_t kExactIntegerMax = int64_t{1} << std::numeric_limits<double>::digits;
  constexpr int32_t kExactPowerMax = 22;
  const int32_t scale = ScaleOf(type);
  const bool has_exact_divisor = scale >= 0 && scale <= kExactPowerMax;
  double divisor = 1;
  for (int32_t i = 0; has_exact_divisor && i < scale; ++i) divisor *= 10;
  return NewDecimalColumn(type, [=](const auto& decimal, Datum* value) {
    const std::optional<int64_t> number = UnscaledInt64(decimal);
    const bool is_exact = has_exact_divisor && number.has_value() && *number >= -kExactIntegerMax &&
                          *number <= kExactIntegerMax;
    if (is_exact) return FitDouble(wanted, static_cast<double>(*number) / divisor, value);
    const std::string text = fmt::format("{}e{}", decimal.ToIntegerString(), -int64_t{scale});
    return ReadText(wanted, {}, text, value, nullptr);
  });
}

std::unique_ptr<ArrowColumn> NewDoubleColumn(const arrow::DataType& type, Type wanted) {
  const auto plain = [wanted](auto number, Datum* value) {
    return FitNumber(wanted, static_cast<double>(number), value);
  };
  if (arrow::is_decimal(type.id())) return NewDecimalToDoubleColumn(type, wanted);
  switch (type.id()) {
    case arrow::Type::HALF_FLOAT:
      return Plain<arrow::HalfFloatArray>([plain](uint16_t bits, Datum* value) {
        return plain(arrow::util::Float16::FromBits(bits).ToDouble(), value);
      });
    case arrow::Type::FLOAT:
      return Plain<arrow::FloatArray>(plain);
    case arrow::Type::DOUBLE:
      return Plain<arrow::DoubleArray>(plain);
    default:
      return NewIntegerColumn(type, plain);
  }
}

// `take` takes a string_view.
template <typename Take>
std::unique_ptr<ArrowColumn> NewTextColumn(const arrow::DataType& type, Take take) {
  switch (type.id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return Plain<arrow::BinaryArray>(take);
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return Plain<arrow::LargeBinaryArray>(take);
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      return Plain<arrow::BinaryViewArray>(take);
    default:
      return nullptr;
  }
}

std::unique_ptr<ArrowColumn> NewStringColumn(const arrow::DataType& type) {
  return NewTextColumn(type, [](std::string_view text, Datum* value) {
    const Problem problem = CheckString(text);
    if (problem == Problem::kNone) *value = Datum::String(text);
    return problem;
  });
}

// Columns of text hold no bytes: it could be base64 as well as the bytes themselves.
std::unique_ptr<ArrowColumn> NewBytesColumn(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
      return NewTextColumn(type, FitBytes);
    case arrow::Type::FIXED_SIZE_BINARY:
      return Plain<arrow::FixedSizeBinaryArray>(FitBytes);
    default:
      return nullptr;
  }
}

std::unique_ptr<ArrowColumn> NewExactColumn(const arrow::DataType& type, Type wanted) {
  if (arrow::is_decimal(type.id())) {
    const int32_t scale = ScaleOf(type);
    return NewDecimalColumn(type, [=](const auto& decimal, Datum* value) {
      return FitScaled(decimal, scale, wanted, value);
    });
  }
  std::unique_ptr<ArrowColumn> column = NewTextColumn(
      type,
      [wanted](std::string_view text, Datum* value) { return FitDecimal(wanted, text, value); });
  if (column != nullptr) return column;
  return NewIntegerColumn(type, [wanted](int64_t number, Datum* value) {
    const std::optional<int64_t> rescaled = Rescale(number, 0, wanted.scale);
    if (!rescaled.has_value()) return Problem::kOutOfRange;
    *value = Datum::Int(*rescaled);
    return Problem::kNone;
  });
}

TimestampUnit UnitOf(arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return TimestampUnit::kSeconds;
    case arrow::TimeUnit::MILLI:
      return TimestampUnit::kMilliseconds;
    case arrow::TimeUnit::MICRO:
      return TimestampUnit::kMicroseconds;
    case arrow::TimeUnit::NANO:
      return TimestampUnit::kNanoseconds;
  }
  return TimestampUnit::kMilliseconds;
}

// A column of times tells its own unit; numbers and text are in the target's.
std::unique_ptr<ArrowColumn> NewTimeColumn(const arrow::DataType& type, TimeUnit unit) {
  switch (type.id()) {
    case arrow::Type::TIMESTAMP: {
      const TimeUnit own = UnitOf(static_cast<const arrow::TimestampType&>(type).unit());
      return Plain<arrow::TimestampArray>(
          [own](int64_t number, Datum* value) { return FitTime(own, Datum::Int(number), value); });
    }
    case arrow::Type::DATE32:
      return Plain<arrow::Date32Array>([](int32_t day, Datum* value) {
        return FitTime(TimestampUnit::kMilliseconds, Datum::Int(day * kMillisecondsPerDay), value);
      });
    case arrow::Type::DATE64:
      return Plain<arrow::Date64Array>([](int64_t time_ms, Datum* value) {
        return FitTime(TimestampUnit::kMilliseconds, Datum::Int(time_ms), value);
      });
    default:
      break;
  }
  if (unit.value_or(TimestampUnit::kRfc3339) == TimestampUnit::kRfc3339) {
    std::unique_ptr<ArrowColumn> text =
        NewTextColumn(type, [unit](std::string_view written, Datum* value) {
          return FitTime(unit, Datum::String(written), value);
        });
    if (text != nullptr) return text;
  }
  if (unit == TimestampUnit::kRfc3339) return nullptr;
  return NewIntegerColumn(type, [unit](int64_t number, Datum* value) {
    return FitTime(unit, Datum::Int(number), value);
  });
}

}  // namespace

std::unique_ptr<ArrowColumn> NewArrowColumn(const arrow::DataType& type, const Target& target) {
  if (type.id() == arrow::Type::NA) return std::make_unique<NullColumn>();
  if (type.id() == arrow::Type::DICTIONARY) {
    const auto& dictionary = static_cast<const arrow::DictionaryType&>(type);
    auto values = NewArrowColumn(*dictionary.value_type(), target);
    return values == nullptr ? nullptr : std::make_unique<DictionaryColumn>(std::move(values));
  }
  if (type.id() == arrow::Type::EXTENSION) {
    const auto& extension = static_cast<const arrow::ExtensionType&>(type);
    auto storage = NewArrowColumn(*extension.storage_type(), target);
    return storage == nullptr ? nullptr : std::make_unique<ExtensionColumn>(std::move(storage));
  }
  switch (target.type) {
    case Type::kBool:
      return NewBoolColumn(type);
    case Type::kInt32:
    case Type::kInt64:
      return NewIntColumn(type, target.type);
    case Type::kFloat:
    case Type::kDouble:
      return NewDoubleColumn(type, target.type);
    case Type::kString:
      return NewStringColumn(type);
    case Type::kBytes:
      return NewBytesColumn(type);
    case Type::kDecimal:
      return NewExactColumn(type, target.type);
    case Type::kTimestamp:
      return NewTimeColumn(type, target.unit);
  }
  return nullptr;
}

std::string_view FittingTypes(const Target& target) {
  switch (target.type) {
    case Type::kBool:
      return "a column of bools";
    case Type::kInt32:
    case Type::kInt64:
      return "a column of integers, or of decimals without a fraction";
    case Type::kFloat:
    case Type::kDouble:
      return "a column of floating point numbers, integers or decimals";
    case Type::kString:
      return "a column of strings";
    case Type::kBytes:
      return "a column of bytes, not of strings";
    case Type::kDecimal:
      return "a column of decimals, integers or strings";
    case Type::kTimestamp:
      break;
  }
  if (!target.unit.has_value()) return "a column of timestamps, dates, strings or integers";
  return target.unit == TimestampUnit::kRfc3339 ? "a column of timestamps, dates or strings"
                                                : "a column of timestamps, dates or integers";
}

std::string ShownType(const arrow::DataType& type) {
  if (type.id() != arrow::Type::DICTIONARY) return type.ToString();
  return ShownType(*static_cast<const arrow::DictionaryType&>(type).value_type());
}

std::string ShownValue(const arrow::Array& array, int64_t i) {
  if (array.type_id() == arrow::Type::DICTIONARY && array.IsValid(i)) {
    const auto& indices = static_cast<const arrow::DictionaryArray&>(array);
    return ShownValue(*indices.dictionary(), indices.GetValueIndex(i));
  }
  const auto scalar = array.GetScalar(i);
  if (!scalar.ok()) return "a value";
  return fmt::format("'{}'", Shortened((*scalar)->ToString()));
}

}  // namespace freshet::load
