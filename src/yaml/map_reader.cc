#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/nearest.h"
#include "yaml/document.h"

namespace freshet::yaml {

struct MapReader::Rep {
  Node node;
  std::string what;
  std::vector<std::pair<std::string, std::pair<Node, Node>>> entries;
  std::vector<std::string> asked;
  bool is_map = false;

  auto Find(std::string_view key) const {
    return std::find_if(entries.begin(), entries.end(),
                        [&](const auto& each) { return each.first == key; });
  }
};

MapReader::MapReader(const Node& node, std::string what) : rep_(std::make_unique<Rep>()) {
  rep_->node = node;
  rep_->is_map = node.is_map();
  for (auto& [key, value] : node.AsMap(what)) {
    std::optional<std::string> name = key.AsString("a key");
    if (name.has_value()) rep_->entries.push_back({*name, {key, value}});
  }
  rep_->what = std::move(what);
}

MapReader::~MapReader() = default;

bool MapReader::Has(std::string_view key) const {
  return rep_->Find(key) != rep_->entries.end();
}

std::optional<Node> MapReader::Optional(std::string_view key) {
  std::vector<std::string>& asked = rep_->asked;
  if (std::find(asked.begin(), asked.end(), key) == asked.end()) asked.emplace_back(key);
  auto entry = rep_->Find(key);
  if (entry == rep_->entries.end()) return std::nullopt;
  return entry->second.second;
}

std::optional<Node> MapReader::Required(std::string_view key) {
  std::optional<Node> value = Optional(key);
  // What is no map at all was reported as that.
  if (!value.has_value() && rep_->is_map)
    rep_->node.Report(fmt::format("{} needs the key '{}'", rep_->what, key));
  return value;
}

void MapReader::Done() {
  for (const auto& [name, key_and_value] : rep_->entries) {
    const std::vector<std::string>& asked = rep_->asked;
    if (std::find(asked.begin(), asked.end(), name) != asked.end()) continue;
    key_and_value.first.Report(
        fmt::format("unknown key '{}' in {}{}", name, rep_->what, Suggestion(name, asked)));
  }
}

}  // namespace freshet::yaml
