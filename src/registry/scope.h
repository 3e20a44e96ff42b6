// What is defined so far, while the definitions are read. What is partly wrong is known all the
// same, so that one mistake does not bring on others.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/nearest.h"
#include "registry/definitions.h"
#include "yaml/document.h"

namespace freshet::registry {

struct KnownEntity {
  const Entity* entity = nullptr;
  bool join_keys_known = false;
};

struct KnownSource {
  const Source* source = nullptr;
  bool kind_known = false;
  bool fields_known = false;
};

struct KnownView {
  FeatureView* view = nullptr;
  bool names_known = false;  // all names of its features
  bool types_known = false;  // nothing in it is wrong
  bool is_read = true;       // false for one whose turn has not come
};

template <typename Known>
struct Names {
  std::map<std::string, Known, std::less<>> known;
  // False when a name could not be read: then a name that is not here may not be a mistake.
  bool complete = true;

  std::vector<std::string> Words() const {
    std::vector<std::string> words;
    for (const auto& [word, ignored] : known) words.push_back(word);
    return words;
  }
};

struct Scope {
  yaml::Diagnostics* diagnostics = nullptr;
  Names<KnownEntity> entities;
  Names<KnownSource> sources;
  Names<KnownView> views;
};

// What carries the name; otherwise null, reported at byte `offset` of `node`.
template <typename Known>
const Known* FindKnown(const Names<Known>& names, std::string_view kind, std::string_view name,
                       const yaml::Node& node, size_t offset = 0) {
  auto found = names.known.find(name);
  if (found != names.known.end()) return &found->second;
  if (names.complete) {
    node.ReportAt(offset, fmt::format("no {} '{}' is defined{}", kind, name,
                                      Suggestion(name, names.Words())));
  }
  return nullptr;
}

// The position of the feature of that name.
std::optional<uint32_t> FindFeatureOf(const FeatureView& view, std::string_view feature);
// "feature view 'activity' has no feature 'click_1m'; did you mean ...".
std::string UnknownFeature(const FeatureView& view, std::string_view feature);

}  // namespace freshet::registry
