#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/nearest.h"
#include "base/time.h"
#include "registry/file_format.h"
#include "registry/readers.h"
#include "registry/reading.h"

namespace freshet::registry {
namespace {

// Kafka's own limit.
constexpr size_t kTopicBytesMax = 249;

std::optional<std::string> ReadTopic(const yaml::Node& node, std::string_view what) {
  std::optional<std::string> topic = node.AsString(what);
  if (!topic.has_value()) return std::nullopt;
  bool is_allowed = !topic->empty() && topic->size() <= kTopicBytesMax && *topic != "." &&
                    *topic != ".." &&
                    topic->find_first_not_of(
                        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789._-") == std::string::npos;
  if (!is_allowed) {
    node.Report(
        fmt::format("'{}' cannot be a Kafka topic; use letters, digits, '.', '_' and '-', at most "
                    "{} of them",
                    *topic, kTopicBytesMax));
  }
  return topic;
}

KafkaLog ReadKafka(const yaml::Node& node) {
  KafkaLog log;
  yaml::MapReader reader(node, "kafka");
  if (auto topic = reader.Required("topic")) log.topic = ReadTopic(*topic, "topic").value_or("");
  if (auto format = reader.Optional("format")) {
    std::optional<std::string> word = format->AsString("format");
    if (word.has_value() && *word != "json")
      format->Report(fmt::format("unknown format '{}'; events are read as json", *word));
  }
  if (auto topic = reader.Optional("dead_letter_topic")) {
    log.dead_letter_topic = ReadTopic(*topic, "dead_letter_topic").value_or("");
    if (!log.topic.empty() && log.dead_letter_topic == log.topic)
      topic->Report("the dead letter topic is the topic itself; bad events would come back");
  }
  reader.Done();
  return log;
}

PushLog ReadPush(const yaml::Node& node) {
  if (node.is_map()) {
    yaml::MapReader(node, "push").Done();
  } else if (!node.is_null() && node.AsBool("push") == false) {
    node.Report("push: false says nothing; remove it, or give the source's kind: kafka or file");
  }
  return {};
}

std::optional<FileFormat> ReadFileFormat(const yaml::Node& node) {
  std::optional<std::string> word = node.AsString("format");
  if (!word.has_value()) return std::nullopt;
  std::optional<FileFormat> format = FileFormatOfName(*word);
  if (!format.has_value()) {
    node.Report(fmt::format("unknown format '{}'{}", *word, Suggestion(*word, FileFormatNames())));
  }
  return format;
}

std::vector<std::string> ReadNulls(const yaml::Node& node) {
  std::vector<std::string> nulls;
  for (const yaml::Node& item : ReadItems(node, "nulls", limits::kNullSpellingsMax)) {
    if (std::optional<std::string> text = item.AsString("a spelling of null"))
      nulls.push_back(std::move(*text));
  }
  return nulls;
}

FileRows ReadFile(const yaml::Node& node) {
  FileRows rows;
  yaml::MapReader reader(node, "file");
  std::optional<yaml::Node> path = reader.Required("path");
  if (path.has_value()) rows.path = path->AsString("path").value_or("");
  if (path.has_value() && path->is_scalar() && rows.path.empty()) path->Report("the path is empty");
  if (auto format = reader.Optional("format")) {
    rows.format = ReadFileFormat(*format).value_or(FileFormat::kCsv);
  } else if (!rows.path.empty()) {
    std::optional<FileFormat> known = FileFormatOfPath(rows.path);
    if (!known.has_value()) {
      path->Report(fmt::format(
          "the format of '{}' cannot be told from its ending; add format: and one of {}", rows.path,
          fmt::join(FileFormatNames(), ", ")));
    }
    rows.format = known.value_or(FileFormat::kCsv);
  }
  if (auto nulls = reader.Optional("nulls")) {
    rows.nulls = ReadNulls(*nulls);
    if (rows.format != FileFormat::kCsv) nulls->Report("only csv has to spell null");
  }
  reader.Done();
  return rows;
}

// Exactly one of the three kinds.
void ReadKind(yaml::MapReader& reader, const yaml::Node& node, Source* source) {
  std::optional<yaml::Node> kafka = reader.Optional("kafka");
  std::optional<yaml::Node> push = reader.Optional("push");
  std::optional<yaml::Node> file = reader.Optional("file");
  int count = kafka.has_value() + push.has_value() + file.has_value();
  if (count != 1) {
    node.Report(fmt::format("{} needs exactly one of the keys kafka, push and file; it has {}",
                            Quoted("source", source->name), count == 0 ? "none" : "several"));
  }
  if (file.has_value()) source->kind = ReadFile(*file);
  if (push.has_value()) source->kind = ReadPush(*push);
  if (kafka.has_value()) source->kind = ReadKafka(*kafka);
}

constexpr std::array<std::pair<std::string_view, TimestampUnit>, 5> kUnits = {{
    {"rfc3339", TimestampUnit::kRfc3339},
    {"s", TimestampUnit::kSeconds},
    {"ms", TimestampUnit::kMilliseconds},
    {"us", TimestampUnit::kMicroseconds},
    {"ns", TimestampUnit::kNanoseconds},
}};

TimestampUnit ReadUnit(const yaml::Node& node) {
  std::optional<std::string> word = node.AsString("unit");
  for (const auto& [name, unit] : kUnits) {
    if (word == name) return unit;
  }
  static const std::vector<std::string> kKnown = {"rfc3339", "s", "ms", "us", "ns"};
  if (word.has_value())
    node.Report(fmt::format("unknown unit '{}'{}", *word, Suggestion(*word, kKnown)));
  return TimestampUnit::kRfc3339;
}

Timestamp ReadTimestamp(const yaml::Node& node) {
  Timestamp timestamp;
  if (!node.is_map()) {
    timestamp.field = ReadDataName(node, "timestamp").value_or("");
    return timestamp;
  }
  yaml::MapReader reader(node, "timestamp");
  if (auto field = reader.Required("field"))
    timestamp.field = ReadDataName(*field, "timestamp's field").value_or("");
  if (auto unit = reader.Optional("unit")) timestamp.unit = ReadUnit(*unit);
  reader.Done();
  return timestamp;
}

bool CanHoldTime(Type type, TimestampUnit unit) {
  switch (type) {
    case Type::kTimestamp:
      return unit == TimestampUnit::kRfc3339 || unit == TimestampUnit::kMilliseconds;
    case Type::kString:
      return unit == TimestampUnit::kRfc3339;
    case Type::kInt32:
    case Type::kInt64:
      return unit != TimestampUnit::kRfc3339;
    default:
      return false;
  }
}

// A timestamp that is listed among the fields must be of a type that can hold it.
void CheckTimestampField(const yaml::Node& node, const Source& source) {
  for (const Field& field : source.fields) {
    if (field.name != source.timestamp.field || CanHoldTime(field.type, source.timestamp.unit))
      continue;
    std::string_view allowed = "int64, or timestamp for ms";
    if (source.timestamp.unit == TimestampUnit::kRfc3339)
      allowed = "string or timestamp; for numbers give a unit: {field: ..., unit: ms}";
    node.Report(
        fmt::format("the timestamp's field '{}' is of type {}; with this unit it must be {}",
                    field.name, TypeName(field.type), allowed));
  }
}

void ReadClockSkew(yaml::MapReader& reader, Source* source) {
  if (!source->is_stream()) {
    RefuseKey(reader, "clock_skew", "rows of a file may be of any time");
    return;
  }
  source->clock_skew_ms = limits::kClockSkewMsDefault;
  std::optional<yaml::Node> node = reader.Optional("clock_skew");
  if (!node.has_value()) return;
  std::optional<int64_t> skew_ms = node->AsDurationMs("clock_skew");
  if (!skew_ms.has_value()) return;
  source->clock_skew_ms = *skew_ms;
  if (*skew_ms > limits::kClockSkewMsMax) {
    node->Report(fmt::format("clock_skew is {}; at most {} are allowed", FormatDurationMs(*skew_ms),
                             FormatDurationMs(limits::kClockSkewMsMax)));
  }
}

// False, and reported, when it is not allowed.
bool ReadWithin(const yaml::Node& node, int64_t* within_ms) {
  std::optional<int64_t> read_ms = node.AsDurationMs("within");
  if (!read_ms.has_value()) return false;
  *within_ms = *read_ms;
  if (*read_ms >= 1 && *read_ms <= limits::kDeduplicateMsMax) return true;
  node.Report(fmt::format("within is {}; allowed are 1ms to {}", FormatDurationMs(*read_ms),
                          FormatDurationMs(limits::kDeduplicateMsMax)));
  return false;
}

void ReadDeduplicate(yaml::MapReader& reader, bool fields_known, Source* source) {
  if (!source->is_stream())
    return RefuseKey(reader, "deduplicate", "of a file's rows the newest of each key is served");
  std::optional<yaml::Node> node = reader.Optional("deduplicate");
  if (!node.has_value()) return;
  Deduplication deduplication;
  yaml::MapReader map(*node, "deduplicate");
  bool is_right = false;
  std::optional<yaml::Node> key = map.Required("key");
  if (auto within = map.Required("within"))
    is_right = ReadWithin(*within, &deduplication.within_ms);
  map.Done();
  std::optional<std::string> name =
      key.has_value() ? ReadDataName(*key, "deduplicate's key") : std::nullopt;
  if (!name.has_value() || !fields_known) return;
  auto field = std::find_if(source->fields.begin(), source->fields.end(),
                            [&](const Field& each) { return each.name == *name; });
  if (field == source->fields.end()) {
    std::vector<std::string> names;
    for (const Field& each : source->fields) names.push_back(each.name);
    return key->Report(
        fmt::format("the source has no field '{}'{}", *name, Suggestion(*name, names)));
  }
  deduplication.field = static_cast<uint32_t>(field - source->fields.begin());
  if (is_right) source->deduplication = deduplication;
}

}  // namespace

KnownSource ReadSource(yaml::MapReader& reader, const yaml::Node& node, const Scope& scope,
                       Source* source) {
  KnownSource known{source};
  source->description = ReadDescription(reader);
  Watch kind_watch(*scope.diagnostics);
  ReadKind(reader, node, source);
  known.kind_known = kind_watch.clean();

  Watch fields_watch(*scope.diagnostics);
  if (auto fields = reader.Required("fields"))
    source->fields = ReadFields(*fields, "the fields", limits::kFieldsMax);
  known.fields_known = fields_watch.clean() && !source->fields.empty();

  if (auto timestamp = reader.Required("timestamp")) {
    source->timestamp = ReadTimestamp(*timestamp);
    CheckTimestampField(*timestamp, *source);
  }
  ReadClockSkew(reader, source);
  ReadDeduplicate(reader, known.fields_known, source);
  reader.Done();
  return known;
}

}  // namespace freshet::registry
