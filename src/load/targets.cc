#include "load/targets.h"

#include <utility>

#include <fmt/format.h>

#include "base/decimal.h"
#include "base/limits.h"

namespace freshet::load {
namespace {

using registry::TimestampUnit;

// How Hive spells null in a path.
constexpr std::string_view kNullInPath = "__HIVE_DEFAULT_PARTITION__";

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

}  // namespace freshet::load
