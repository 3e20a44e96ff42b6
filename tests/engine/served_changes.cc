#include "engine/served_changes.h"

#include <type_traits>

#include <absl/strings/escaping.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace freshet::served {
namespace {

constexpr int64_t kSomeTimeMs = 1'790'000'000'000;

Value RandomColumn(Random& random, Type type) {
  switch (type) {
    case Type::kBool:
      return random.Once(2);
    case Type::kInt32:
      return random.Once(9) ? INT32_MIN : random.Pick(-3, 3);
    case Type::kInt64:
      return random.Once(9) ? INT64_MIN : random.Pick(-3, 3);
    case Type::kTimestamp:
      return kSomeTimeMs - random.Pick(0, 1'000'000);
    case Type::kFloat:
      return static_cast<double>(static_cast<float>(random.Pick(-50, 50)) / 10.0f);
    case Type::kDouble:
      return static_cast<double>(random.Pick(-50, 50)) / 10;
    default:
      return random.OneOf<std::string>({"fi", "", "a \"b\", c\nd", "größe"});
  }
}

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}
std::string CsvOf(Type type, const Value& value) {
  if (value.index() == 0) return "";
  if (type == Type::kBytes) return Quoted(absl::Base64Escape(std::get<std::string>(value)));
  if (type == Type::kString) return Quoted(std::get<std::string>(value));
  if (type == Type::kFloat) return fmt::format("{}", static_cast<float>(std::get<double>(value)));
  return TextOf(value);
}

}  // namespace

Event RandomEvent(Random& random, const Case& definitions, const std::string& source,
                  int64_t now_ms) {
  Event event{source, 0, now_ms, {}};
  const int64_t span_ms = random.OneOf<int64_t>({3'000, 90'000, 4'000'000, 2 * 86'400'000});
  event.at_ms = now_ms + 1'000 - random.Pick(0, span_ms);
  // Coarse times tie.
  if (random.Once(3)) event.at_ms -= event.at_ms % random.OneOf<int64_t>({1'000, 60'000});
  if (random.Once(30))
    event.at_ms = now_ms + definitions.streams.at(source).skew_ms + random.Pick(0, 2);
  for (const char* key : {"user_id", "venue", "number", "vip", "device_id", "is_on"})
    if (!random.Once(40)) event.fields[key] = KeyValue(random, key);
  event.fields["kind"] = std::string(random.OneOf<std::string>({"buy", "look", "noise"}));
  if (!random.Once(5)) event.fields["amount"] = static_cast<double>(random.Pick(-800, 800)) / 8;
  if (!random.Once(5)) event.fields["points"] = random.Once(60) ? INT64_MAX : random.Pick(-9, 9);
  if (!random.Once(5)) event.fields["item"] = fmt::format("item{}", random.Pick(0, 20));
  if (!random.Once(5)) event.fields["loud"] = random.Once(2);
  // Of so few that there are repeats, also of what was forgotten meanwhile.
  if (!random.Once(5)) event.fields["event_id"] = random.Pick(0, 400);
  return event;
}

std::string JsonOf(const Event& event) {
  nlohmann::json json = {{"at", event.at_ms}};
  for (const auto& [name, value] : event.fields) {
    std::visit(
        [&, &name = name](const auto& held) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(held)>, std::monostate>)
            json[name] = held;
        },
        name == "device_id" ? Value(absl::Base64Escape(std::get<std::string>(value))) : value);
  }
  return json.dump();
}

File RandomFile(Random& random, const View& view, const Entity& entity, int64_t now_ms,
                bool may_lack, bool has_deletions) {
  File file;
  std::vector<Column> columns;
  for (const Column& column : view.columns)
    if (!may_lack || !random.Once(3)) columns.push_back(column);
  std::vector<std::string> header;
  for (const auto& [key, type] : entity.keys) header.push_back(key);
  header.emplace_back("at");
  for (const Column& column : columns) header.push_back(column.name);
  if (has_deletions) header.emplace_back("gone");
  file.csv = fmt::format("{}\n", fmt::join(header, ","));
  for (int64_t i = random.Pick(1, 60); i > 0; --i) {
    Key key;
    std::vector<std::string> cells;
    for (const auto& [name, type] : entity.keys) {
      key.push_back(KeyValue(random, name));
      cells.push_back(CsvOf(type, key.back()));
    }
    Row row{now_ms - random.Pick(-2'000, 100'000'000), has_deletions && random.Once(5), {}};
    if (random.Once(2)) row.at_ms -= row.at_ms % 10'000'000;
    cells.push_back(fmt::format("{}", row.at_ms));
    for (const Column& column : columns) {
      row.fields[column.name] = random.Once(4) ? Value() : RandomColumn(random, column.type);
      cells.push_back(CsvOf(column.type, row.fields[column.name]));
    }
    if (has_deletions) cells.emplace_back(row.is_deleted ? "true" : "false");
    file.csv += fmt::format("{}\n", fmt::join(cells, ","));
    file.rows.emplace_back(key, row);
  }
  return file;
}

std::string KeyText(Type type, const Value& value) {
  const std::string* text = std::get_if<std::string>(&value);
  if (text == nullptr) return TextOf(value);
  return type == Type::kBytes ? absl::Base64Escape(*text) : *text;
}

}  // namespace freshet::served
