// Runs a row reader over a text and keeps what it hands over.
#pragma once

#include <algorithm>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/value.h"

#include "base/datum.h"
#include "load/text_file.h"

namespace freshet::load {

struct ReadRow {
  uint64_t line = 0;
  std::string error;
  int64_t time_ms = 0;
  std::vector<Value> values;

  friend bool operator==(const ReadRow&, const ReadRow&) = default;
  friend std::ostream& operator<<(std::ostream& out, const ReadRow& row) {
    out << "line " << row.line << ": " << row.error << " time " << row.time_ms;
    for (const Value& value : row.values) out << ", " << ToString(ToDatum(value));
    return out;
  }
};

inline constexpr size_t kWhole = size_t{1} << 30;  // a chunk that takes in any file

inline const Value kNull{};
inline Value Text(std::string text) {
  return Value(std::move(text));
}
inline Value Int(int64_t number) {
  return Value(number);
}

// A row of UsersSource.
inline ReadRow UserRow(uint64_t line, int64_t time_ms, Value id, Value age, Value country) {
  return {line, "", time_ms, {std::move(id), std::move(age), std::move(country)}};
}

struct ReadFile {
  Status status;
  std::vector<ReadRow> rows;
};

// Feeds `text` in chunks of `chunk_bytes`.
inline ReadFile ReadRows(registry::FileFormat format, const registry::Source& source,
                         std::string_view text, size_t chunk_bytes,
                         const LoadFile::PathValues& path_values = {}) {
  ReadFile file;
  const auto keep = [&](const FileRow& row) {
    ReadRow kept{row.line, std::string(row.error), row.time_ms, {}};
    for (const Datum& value : row.values) kept.values.push_back(ToValue(value));
    file.rows.push_back(std::move(kept));
  };
  auto targets = Targets::Create(source, path_values, {});
  if (!targets.ok()) return {targets.status(), {}};
  TextFile reader(format, source, *std::move(targets));
  for (size_t at = 0; at < text.size(); at += chunk_bytes) {
    // A copy of its own, so that reading beyond the chunk is an error that AddressSanitizer sees.
    const std::string chunk(text.substr(at, chunk_bytes));
    file.status = reader.Feed(chunk, keep);
    if (!file.status.ok()) return file;
  }
  file.status = reader.Finish(keep);
  return file;
}

// A source with a field of every type; the event time is `time`, in RFC 3339.
inline registry::Source AllTypesSource() {
  registry::Source source;
  source.name = "all";
  source.kind = registry::FileRows{};
  source.timestamp = {"time", registry::TimestampUnit::kRfc3339};
  source.fields = {{"flag", Type::kBool},        {"small", Type::kInt32},
                   {"big", Type::kInt64},        {"single", Type::kFloat},
                   {"twice", Type::kDouble},     {"text", Type::kString},
                   {"moment", Type::kTimestamp}, {"price", Type::Decimal(2)}};
  return source;
}

// One of devices: device_id bytes, age int32; the event time is updated_at, in milliseconds.
inline registry::Source DevicesSource() {
  registry::Source source;
  source.name = "devices";
  source.kind = registry::FileRows{};
  source.timestamp = {"updated_at", registry::TimestampUnit::kMilliseconds};
  source.fields = {{"device_id", Type::kBytes}, {"age", Type::kInt32}};
  return source;
}

// A source of users: user_id int64, age int32, country string; the event time is updated_at.
inline registry::Source UsersSource(registry::TimestampUnit unit) {
  registry::Source source;
  source.name = "users";
  source.kind = registry::FileRows{};
  source.timestamp = {"updated_at", unit};
  source.fields = {{"user_id", Type::kInt64}, {"age", Type::kInt32}, {"country", Type::kString}};
  return source;
}

}  // namespace freshet::load
