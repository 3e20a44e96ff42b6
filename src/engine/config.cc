#include "engine/config.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/nearest.h"
#include "base/time.h"
#include "yaml/document.h"

namespace freshet {
namespace {

using yaml::MapReader;
using yaml::Node;

// The readers below leave the default where a key is absent or wrong; what is wrong is reported by
// then.

void ReadText(MapReader& map, std::string_view key, std::string* text) {
  if (std::optional<Node> node = map.Optional(key)) {
    if (std::optional<std::string> value = node->AsString(key)) *text = std::move(*value);
  }
}

void ReadName(MapReader& map, std::string_view key, std::string* text) {
  if (std::optional<Node> node = map.Optional(key)) {
    std::optional<std::string> value = node->AsString(key);
    if (value.has_value() && value->empty()) {
      node->Report(
          fmt::format("{} must not be empty; leave it out for the default '{}'", key, *text));
    } else if (value.has_value()) {
      *text = std::move(*value);
    }
  }
}

void ReadBool(MapReader& map, std::string_view key, bool* flag) {
  if (std::optional<Node> node = map.Optional(key)) {
    if (std::optional<bool> value = node->AsBool(key)) *flag = *value;
  }
}

struct Range {
  int64_t min = 0;
  int64_t max = 0;
};

void ReadBytes(MapReader& map, std::string_view key, Range range, size_t* bytes) {
  std::optional<Node> node = map.Optional(key);
  if (!node.has_value()) return;
  const std::optional<int64_t> value = node->AsBytes(key);
  if (!value.has_value()) return;
  if (*value < range.min || *value > range.max) {
    node->Report(fmt::format("{} is {} bytes; it must be within {}MiB and {}MiB", key, *value,
                             range.min >> 20, range.max >> 20));
    return;
  }
  *bytes = static_cast<size_t>(*value);
}

void ReadDuration(MapReader& map, std::string_view key, Range range, int64_t* duration_ms) {
  std::optional<Node> node = map.Optional(key);
  if (!node.has_value()) return;
  const std::optional<int64_t> value = node->AsDurationMs(key);
  if (!value.has_value()) return;
  if (*value < range.min || *value > range.max) {
    node->Report(fmt::format("{} is {}; it must be within {} and {}", key, FormatDurationMs(*value),
                             FormatDurationMs(range.min), FormatDurationMs(range.max)));
    return;
  }
  *duration_ms = *value;
}

void ReadCount(MapReader& map, std::string_view key, Range range, int64_t* count) {
  std::optional<Node> node = map.Optional(key);
  if (!node.has_value()) return;
  const std::optional<int64_t> value = node->AsInt(key);
  if (!value.has_value()) return;
  if (*value < range.min || *value > range.max) {
    node->Report(
        fmt::format("{} is {}; it must be within {} and {}", key, *value, range.min, range.max));
    return;
  }
  *count = *value;
}

bool IsAddress(std::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view port = address.substr(colon + 1);
  if (port.empty() || port.size() > 5) return false;
  int number = 0;
  for (char digit : port) {
    if (digit < '0' || digit > '9') return false;
    number = number * 10 + (digit - '0');
  }
  return number <= 65'535;
}

enum class WhenEmpty : uint8_t { kWrong, kListensNowhere };

void ReadAddress(MapReader& map, WhenEmpty when_empty, std::string* address) {
  std::optional<Node> node = map.Optional("address");
  if (!node.has_value()) return;
  const std::optional<std::string> value = node->AsString("address");
  if (!value.has_value()) return;
  const bool listens_nowhere = value->empty() && when_empty == WhenEmpty::kListensNowhere;
  if (!listens_nowhere && !IsAddress(*value)) {
    node->Report(
        fmt::format("address '{}' is not host:port, such as {} or '[::]:7070'", *value, *address));
    return;
  }
  *address = *value;
}

void ReadServer(const Node& node, ServerConfig* config) {
  MapReader map(node, "server");
  ReadAddress(map, WhenEmpty::kWrong, &config->address);
  ReadText(map, "definitions", &config->definitions_folder);
  map.Done();
}

void ReadHttp(const Node& node, ServerConfig* config) {
  MapReader map(node, "http");
  ReadAddress(map, WhenEmpty::kListensNowhere, &config->http_address);
  ReadCount(map, "connections", {limits::kHttpConnectionsMin, limits::kHttpConnectionsMax},
            &config->http_connections);
  map.Done();
}

void ReadData(const Node& node, Options* options) {
  MapReader map(node, "data");
  ReadName(map, "folder", &options->data_folder);
  ReadBytes(map, "cache", {limits::kCacheBytesMin, limits::kCacheBytesMax}, &options->cache_bytes);
  ReadBytes(map, "block_cache", {limits::kCacheBytesMin, limits::kCacheBytesMax},
            &options->block_cache_bytes);
  ReadBytes(map, "write_buffer", {limits::kWriteBufferBytesMin, limits::kWriteBufferBytesMax},
            &options->write_buffer_bytes);
  map.Done();
}

// Properties that have an option of their own, or that Freshet's way of reading rests on.
struct OwnedProperty {
  std::string_view name;
  std::string_view way_out;
};
constexpr OwnedProperty kOwnedProperties[] = {
    {"bootstrap.servers", "use kafka.brokers"},
    {"metadata.broker.list", "use kafka.brokers"},
    {"group.id", "use kafka.consumer_group"},
    {"enable.auto.commit", "positions are kept with the state"},
    {"enable.auto.offset.store", "positions are kept with the state"},
    {"auto.offset.reset", "use kafka.skip_missing_offsets"},
    {"isolation.level", "records of transactions that were aborted never count"},
    {"enable.partition.eof", "how current a source is hangs on it"},
    {"allow.auto.create.topics", "a topic that is missing is told, not made"},
    {"acks", "dead letters are kept by all replicas"},
    {"message.max.bytes", "a dead letter holds a whole record and its reason"},
};

void ReadProperty(const Node& key, const Node& value,
                  std::map<std::string, std::string>* properties) {
  const std::optional<std::string> name = key.AsString("property");
  const std::optional<std::string> text = value.AsString(name.value_or("property"));
  if (!name.has_value() || !text.has_value()) return;
  for (const OwnedProperty& owned : kOwnedProperties) {
    if (*name == owned.name) {
      key.Report(fmt::format("property '{}' is Freshet's own: {}", *name, owned.way_out));
      return;
    }
  }
  properties->insert_or_assign(*name, *text);
}

void ReadKafka(const Node& node, Options* options) {
  MapReader map(node, "kafka");
  ReadText(map, "brokers", &options->kafka_brokers);
  ReadName(map, "consumer_group", &options->kafka_consumer_group);
  ReadBool(map, "skip_missing_offsets", &options->skip_missing_offsets);
  if (std::optional<Node> properties = map.Optional("properties");
      properties && !properties->is_null()) {
    for (const auto& [key, value] : properties->AsMap("properties")) {
      ReadProperty(key, value, &options->kafka_properties);
    }
  }
  map.Done();
}

void ReadIngest(const Node& node, Options* options) {
  MapReader map(node, "ingest");
  ReadDuration(map, "checkpoint_interval",
               {limits::kCheckpointIntervalMsMin, limits::kCheckpointIntervalMsMax},
               &options->checkpoint_interval_ms);
  ReadBytes(map, "checkpoint_dirty",
            {limits::kCheckpointDirtyBytesMin, limits::kCheckpointDirtyBytesMax},
            &options->checkpoint_dirty_bytes);
  ReadDuration(map, "as_of_interval", {limits::kAsOfIntervalMsMin, limits::kAsOfIntervalMsMax},
               &options->as_of_interval_ms);
  map.Done();
}

void ReadServing(const Node& node, Options* options) {
  MapReader map(node, "serving");
  ReadBool(map, "allow_read_time", &options->allow_read_time);
  auto in_flight_max = static_cast<int64_t>(options->requests_in_flight_max);
  ReadCount(map, "requests_in_flight", {0, limits::kRequestsInFlightMax}, &in_flight_max);
  options->requests_in_flight_max = static_cast<size_t>(in_flight_max);
  map.Done();
}

void ReadLoad(const Node& node, Options* options) {
  MapReader map(node, "load");
  ReadBytes(map, "memory_limit", {limits::kLoadMemoryBytesMin, limits::kLoadMemoryBytesMax},
            &options->load_memory_bytes);
  ReadDuration(map, "keep_unfinished", {limits::kKeepUnfinishedMsMin, limits::kKeepUnfinishedMsMax},
               &options->load_keep_unfinished_ms);
  ReadText(map, "adopt_from", &options->load_adopt_from);
  map.Done();
}

// Reads one word of a list of words; false when it is none of them, which is reported.
bool ReadChoice(MapReader& map, std::string_view key, const std::vector<std::string>& words,
                std::string* choice) {
  std::optional<Node> node = map.Optional(key);
  if (!node.has_value()) return false;
  const std::optional<std::string> value = node->AsString(key);
  if (!value.has_value()) return false;
  for (const std::string& word : words) {
    if (word == *value) {
      *choice = word;
      return true;
    }
  }
  node->Report(fmt::format("{} is '{}'; allowed are {}{}", key, *value, fmt::join(words, ", "),
                           NearestWord(*value, words).empty() ? "" : Suggestion(*value, words)));
  return false;
}

void ReadLog(const Node& node, ServerConfig* config) {
  MapReader map(node, "log");
  std::string word;
  if (ReadChoice(map, "level", {"debug", "info", "warning", "error", "off"}, &word)) {
    ParseLogLevel(word, &config->log_level);
  }
  if (ReadChoice(map, "format", {"text", "json"}, &word)) {
    config->log_format = word == "json" ? LogFormat::kJson : LogFormat::kText;
  }
  map.Done();
}

// A group that is there but has every line commented out is null, and means the defaults.
template <typename Read>
void ReadGroup(MapReader& root, std::string_view name, Read read) {
  std::optional<Node> node = root.Optional(name);
  if (node.has_value() && !node->is_null()) read(*node);
}

void ReadRoot(const Node& node, ServerConfig* config) {
  MapReader root(node, "the configuration");
  ReadGroup(root, "server", [&](const Node& group) { ReadServer(group, config); });
  ReadGroup(root, "http", [&](const Node& group) { ReadHttp(group, config); });
  ReadGroup(root, "data", [&](const Node& group) { ReadData(group, &config->engine); });
  ReadGroup(root, "kafka", [&](const Node& group) { ReadKafka(group, &config->engine); });
  ReadGroup(root, "ingest", [&](const Node& group) { ReadIngest(group, &config->engine); });
  ReadGroup(root, "serving", [&](const Node& group) { ReadServing(group, &config->engine); });
  ReadGroup(root, "load", [&](const Node& group) { ReadLoad(group, &config->engine); });
  ReadGroup(root, "log", [&](const Node& group) { ReadLog(group, config); });
  root.Done();
}

}  // namespace

Result<ServerConfig> ParseServerConfig(const std::string& file, std::string_view text) {
  if (text.size() > limits::kConfigurationBytesMax) {
    return Status::InvalidArgument(
        fmt::format("{}: a configuration of {} bytes; at most {} are allowed", file, text.size(),
                    limits::kConfigurationBytesMax));
  }
  ServerConfig config;
  yaml::Diagnostics diagnostics;
  if (std::optional<Node> root = Node::Parse(file, text, &diagnostics)) ReadRoot(*root, &config);
  if (!diagnostics.empty()) return Status::InvalidArgument(diagnostics.ToString());
  return config;
}

Result<ServerConfig> ReadServerConfig(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return Status::NotFound(fmt::format("there is no configuration file '{}'", path));
  }
  // Reading a folder as a stream would throw.
  std::ifstream file(path, std::ios::binary);
  if (std::filesystem::is_directory(path, error) || !file.is_open()) {
    return Status::IoError(fmt::format("the configuration '{}' cannot be read as a file", path));
  }
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return ParseServerConfig(path, text);
}

}  // namespace freshet
