#include "load/row_draft.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <simdjson.h>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/decimal.h"
#include "base/limits.h"
#include "registry/event_time.h"

namespace freshet::load {
namespace {

using registry::TimestampUnit;

// Half a step above the largest float: from here on a double rounds to an infinite one.
constexpr double kFloatEdge = 0x1.ffffffp+127;
// How Hive spells null in a path.
constexpr std::string_view kNullInPath = "__HIVE_DEFAULT_PARTITION__";
// Of a value that a message shows.
constexpr size_t kShownBytesMax = 40;
constexpr size_t kShortTextBytes = 32;

bool EqualsIgnoringCase(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i];
    if (c != lower[i]) return false;
  }
  return true;
}

// Most texts are, and are told so sooner than a validator is called.
bool IsShortAscii(std::string_view text) {
  if (text.size() > kShortTextBytes) return false;
  unsigned char seen = 0;
  for (const char c : text) seen |= static_cast<unsigned char>(c);
  return seen < 0x80;
}

Problem ReadBool(std::string_view text, Datum* value) {
  const bool yes = text == "1" || EqualsIgnoringCase(text, "true");
  if (!yes && text != "0" && !EqualsIgnoringCase(text, "false")) return Problem::kWrongType;
  *value = Datum::Bool(yes);
  return Problem::kNone;
}

Problem ReadInt64(std::string_view text, int64_t* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  if (end != text.data() + text.size()) return Problem::kWrongType;
  if (error == std::errc::result_out_of_range) return Problem::kOutOfRange;
  return error == std::errc() ? Problem::kNone : Problem::kWrongType;
}

Problem ReadDouble(std::string_view text, double* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  if (end != text.data() + text.size()) return Problem::kWrongType;
  if (error == std::errc()) return Problem::kNone;
  if (error != std::errc::result_out_of_range) return Problem::kWrongType;
  // from_chars calls a number that is too small out of range too, where rounding to zero is right.
  *number = std::strtod(std::string(text).c_str(), nullptr);
  return std::abs(*number) < 1 ? Problem::kNone : Problem::kOutOfRange;
}

std::string_view Expected(Type type, TimeUnit unit) {
  switch (type) {
    case Type::kBool:
      return "a bool (true or false)";
    case Type::kInt32:
      return "an int32";
    case Type::kInt64:
      return "an int64";
    case Type::kFloat:
      return "a float";
    case Type::kDouble:
      return "a double";
    case Type::kString:
      return "a string";
    case Type::kBytes:
      return "bytes (written in base64)";
    case Type::kDecimal:
      return TypeName(type);
    case Type::kTimestamp:
      break;
  }
  if (!unit.has_value()) {
    return "a timestamp (RFC 3339 text, such as 2026-11-24T10:00:00Z, or milliseconds since 1970)";
  }
  switch (*unit) {
    case TimestampUnit::kRfc3339:
      return "a timestamp (RFC 3339 text, such as 2026-11-24T10:00:00Z)";
    case TimestampUnit::kSeconds:
      return "a timestamp (seconds since 1970)";
    case TimestampUnit::kMilliseconds:
      return "a timestamp (milliseconds since 1970)";
    case TimestampUnit::kMicroseconds:
      return "a timestamp (microseconds since 1970)";
    case TimestampUnit::kNanoseconds:
      return "a timestamp (nanoseconds since 1970)";
  }
  return "a timestamp";
}

Problem ReadTime(TimeUnit unit, std::string_view text, Datum* value) {
  if (unit == TimestampUnit::kRfc3339) return FitTime(unit, Datum::String(text), value);
  int64_t integer = 0;
  Problem problem = ReadInt64(text, &integer);
  if (problem == Problem::kNone) return FitTime(unit, Datum::Int(integer), value);
  double number = 0;
  if (problem == Problem::kWrongType) problem = ReadDouble(text, &number);
  if (problem == Problem::kNone) return FitTime(unit, Datum::Double(number), value);
  const bool may_be_text = problem == Problem::kWrongType && !unit.has_value();
  return may_be_text ? FitTime(unit, Datum::String(text), value) : problem;
}

}  // namespace

Targets::Targets(const registry::Source& source)
    : field_count_(source.fields.size()), unit_(source.timestamp.unit) {
  for (uint32_t i = 0; i < source.fields.size(); ++i) {
    all_.push_back({.name = source.fields[i].name, .field = i, .type = source.fields[i].type});
    by_name_.emplace(source.fields[i].name, i);
  }
  const auto [found, added] = by_name_.emplace(source.timestamp.field, all_.size());
  if (added) all_.push_back({.name = source.timestamp.field, .unit = unit_});
  event_time_ = found->second;
  all_[event_time_].is_event_time = true;
}

Result<Targets> Targets::Create(const registry::Source& source,
                                const LoadFile::PathValues& path_values, const Wanted& wanted) {
  Targets targets(source);
  for (const uint32_t field : wanted.optional_fields) {
    Target& target = targets.all_[field];
    target.is_optional = !target.is_event_time;
  }
  if (!wanted.delete_column.empty()) {
    FRESHET_RETURN_IF_ERROR(targets.AddDeleteColumn(wanted.delete_column));
    targets.VoidInDeletions(wanted.key_fields);
  }
  for (const auto& [column, text] : path_values) FRESHET_RETURN_IF_ERROR(targets.Fix(column, text));
  return targets;
}

Status Targets::AddDeleteColumn(const std::string& column) {
  const auto [found, added] = by_name_.emplace(column, all_.size());
  if (added) all_.push_back({.name = column, .type = Type::kBool});
  Target& target = all_[found->second];
  if (target.type != Type::kBool) {
    return Status::InvalidArgument(fmt::format(
        "the column '{}' cannot tell what is deleted: it is a field of type {}, not bool", column,
        TypeName(target.type)));
  }
  target.tells_deletion = true;
  deletion_ = found->second;
  target.is_optional = false;
  return Status::Ok();
}

void Targets::VoidInDeletions(const std::vector<uint32_t>& key_fields) {
  for (Target& target : all_)
    target.is_void_in_deletion = !target.is_event_time && !target.tells_deletion;
  for (const uint32_t field : key_fields) all_[field].is_void_in_deletion = false;
}

Status Targets::Fix(const std::string& column, std::string text) {
  const auto found = by_name_.find(column);
  if (found == by_name_.end()) return Status::Ok();
  Target& target = all_[found->second];
  target.is_fixed = true;
  if (text == kNullInPath) {
    fixed_.push_back({found->second, Datum::Null()});
    return Status::Ok();
  }
  fixed_texts_.push_back(std::make_unique<std::string>(std::move(text)));
  const std::string& kept = *fixed_texts_.back();
  Datum value;
  fixed_texts_.push_back(std::make_unique<std::string>());
  const Problem problem =
      ReadText(target.type, target.unit, kept, &value, fixed_texts_.back().get());
  if (problem != Problem::kNone) {
    return Status::InvalidArgument(fmt::format(
        "the path says {}", Explain(target, fmt::format("'{}'", Shortened(kept)), problem)));
  }
  fixed_.push_back({found->second, value});
  return Status::Ok();
}

const Target* Targets::Find(std::string_view column) const {
  const auto found = by_name_.find(column);
  if (found == by_name_.end() || all_[found->second].is_fixed) return nullptr;
  return &all_[found->second];
}

std::optional<int64_t> Targets::FittedTimeMs(const Datum& value) const {
  Datum time;
  if (FitTime(unit_, value, &time) != Problem::kNone) return std::nullopt;
  return time.as_int();
}

Problem CheckString(std::string_view text) {
  if (text.size() > limits::kStringValueBytesMax) return Problem::kTooLong;
  const bool is_utf8 = IsShortAscii(text) || simdjson::validate_utf8(text.data(), text.size());
  return is_utf8 ? Problem::kNone : Problem::kNotUtf8;
}

Problem FitInt(Type type, int64_t number, Datum* value) {
  using Int32 = std::numeric_limits<int32_t>;
  if (type == Type::kInt32 && (number < Int32::min() || number > Int32::max())) {
    return Problem::kOutOfRange;
  }
  *value = Datum::Int(number);
  return Problem::kNone;
}

Problem FitDouble(Type type, double number, Datum* value) {
  if (!std::isfinite(number)) return Problem::kWrongType;
  if (type == Type::kFloat && std::abs(number) >= kFloatEdge) return Problem::kOutOfRange;
  *value = Datum::Double(type == Type::kFloat ? static_cast<double>(static_cast<float>(number))
                                              : number);
  return Problem::kNone;
}

Problem FitDecimal(Type type, std::string_view text, Datum* value) {
  int64_t unscaled = 0;
  switch (ReadDecimal(text, type.scale, &unscaled)) {
    case DecimalProblem::kNone:
      *value = Datum::Int(unscaled);
      return Problem::kNone;
    case DecimalProblem::kNotANumber:
      return Problem::kWrongType;
    case DecimalProblem::kTooManyDigits:
      return Problem::kTooManyDigits;
    case DecimalProblem::kOutOfRange:
      return Problem::kOutOfRange;
  }
  return Problem::kWrongType;
}

Problem FitTime(TimeUnit unit, const Datum& time, Datum* value) {
  const bool is_text = time.kind() == Datum::Kind::kString;
  int64_t time_ms = 0;
  switch (registry::ToEventTimeMs(
      unit.value_or(is_text ? TimestampUnit::kRfc3339 : TimestampUnit::kMilliseconds), time,
      &time_ms)) {
    case registry::TimeProblem::kNone:
      *value = Datum::Int(time_ms);
      return Problem::kNone;
    case registry::TimeProblem::kWrongType:
      return Problem::kWrongType;
    case registry::TimeProblem::kOutOfRange:
      return Problem::kOutOfRange;
  }
  return Problem::kWrongType;
}

Problem FitBytes(std::string_view bytes, Datum* value) {
  if (bytes.size() > limits::kStringValueBytesMax) return Problem::kTooLong;
  *value = Datum::String(bytes);
  return Problem::kNone;
}

Problem ReadBytes(std::string_view base64, Datum* value, std::string* decoded) {
  return DecodeBase64(base64, decoded) ? FitBytes(*decoded, value) : Problem::kWrongType;
}

Problem ReadText(Type type, TimeUnit unit, std::string_view text, Datum* value,
                 std::string* decoded) {
  Problem problem = Problem::kNone;
  switch (type) {
    case Type::kBool:
      return ReadBool(text, value);
    case Type::kInt32:
    case Type::kInt64: {
      int64_t number = 0;
      problem = ReadInt64(text, &number);
      return problem == Problem::kNone ? FitInt(type, number, value) : problem;
    }
    case Type::kFloat:
    case Type::kDouble: {
      double number = 0;
      problem = ReadDouble(text, &number);
      return problem == Problem::kNone ? FitDouble(type, number, value) : problem;
    }
    case Type::kString:
      problem = CheckString(text);
      if (problem == Problem::kNone) *value = Datum::String(text);
      return problem;
    case Type::kBytes:
      return ReadBytes(text, value, decoded);
    case Type::kDecimal:
      return FitDecimal(type, text, value);
    case Type::kTimestamp:
      return ReadTime(unit, text, value);
  }
  return Problem::kWrongType;
}

std::string Shortened(std::string_view text) {
  if (text.size() <= kShownBytesMax) return std::string(text);
  size_t end = kShownBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

std::string Explain(const Target& target, std::string_view shown, Problem problem) {
  const std::string_view expected = Expected(target.type, target.unit);
  switch (problem) {
    case Problem::kNone:
      break;
    case Problem::kWrongType:
      return fmt::format("{}: {} is not {}", target.name, shown, expected);
    case Problem::kNotATime:
      return fmt::format("{}: {} is not a time that the source's unit allows", target.name, shown);
    case Problem::kOutOfRange:
      return fmt::format("{}: {} is beyond the range of {}", target.name, shown, expected);
    case Problem::kTooManyDigits:
      return fmt::format("{}: {} has {}", target.name, shown,
                         Describe(DecimalProblem::kTooManyDigits, target.type.scale));
    case Problem::kTooLong:
      return fmt::format("{}: the string is longer than {} bytes", target.name,
                         limits::kStringValueBytesMax);
    case Problem::kNotUtf8:
      return fmt::format("{}: the string is not UTF-8", target.name);
    case Problem::kStandsTwice:
      return fmt::format("{}: it stands twice", target.name);
  }
  return std::string();
}

std::string CauseOf(const Target& target, Problem problem) {
  switch (problem) {
    case Problem::kNone:
      break;
    case Problem::kWrongType:
      return fmt::format("{}: not {}", target.name, Expected(target.type, target.unit));
    case Problem::kNotATime:
      return fmt::format("{}: not a time that the source's unit allows", target.name);
    case Problem::kOutOfRange:
      return fmt::format("{}: beyond the range of {}", target.name,
                         Expected(target.type, target.unit));
    case Problem::kTooManyDigits:
      return fmt::format("{}: {}", target.name,
                         Describe(DecimalProblem::kTooManyDigits, target.type.scale));
    case Problem::kTooLong:
      return fmt::format("{}: longer than {} bytes", target.name, limits::kStringValueBytesMax);
    case Problem::kNotUtf8:
      return fmt::format("{}: not UTF-8", target.name);
    case Problem::kStandsTwice:
      return fmt::format("{}: stands twice", target.name);
  }
  return std::string();
}

void RowDraft::Clear() {
  values_.assign(values_.size(), Datum::Null());
  time_ms_.reset();
  is_deletion_ = false;
  fault_.error.clear();
  fault_unless_deletion_.error.clear();
  for (const Targets::Fixed& fixed : targets_->fixed()) {
    const Target& target = targets_->all()[fixed.target];
    if (const Problem problem = Set(target, fixed.value); problem != Problem::kNone)
      Fail(target, "the value that the path says", problem);
  }
}

void RowDraft::Fail(const Target& target, std::string_view shown, Problem problem) {
  Fault& fault = target.is_void_in_deletion ? fault_unless_deletion_ : fault_;
  if (!fault.error.empty()) return;
  fault = {Explain(target, shown, problem), CauseOf(target, problem)};
}

Problem RowDraft::Set(const Target& target, const Datum& value) {
  if (target.field.has_value()) values_[*target.field] = value;
  if (target.tells_deletion) is_deletion_ = Targets::TellsDeletion(value);
  if (!target.is_event_time) return Problem::kNone;
  time_ms_ = targets_->EventTimeMs(value);
  return value.is_null() || time_ms_.has_value() ? Problem::kNone : Problem::kNotATime;
}

FileRow RowDraft::Finish(uint64_t line) {
  const bool counts = !is_deletion_ && !fault_unless_deletion_.error.empty();
  if (!failed() && counts) fault_ = fault_unless_deletion_;
  if (!failed() && !time_ms_.has_value()) {
    const std::string missing =
        fmt::format("{}: the event time is missing", targets_->event_time().name);
    Fail(missing, missing);
  }
  FileRow row;
  row.line = line;
  row.error = fault_.error;
  row.cause = fault_.cause;
  if (failed()) return row;
  row.time_ms = *time_ms_;
  row.values = values_;
  row.lacking = lacking_;
  row.is_deletion = is_deletion_;
  return row;
}

}  // namespace freshet::load
