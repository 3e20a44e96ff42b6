// What the readers of all kinds of definition have in common. Everything that is wrong is reported
// at its place; what is returned is what could be read.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/value.h"

#include "registry/definitions.h"
#include "yaml/document.h"

namespace freshet::registry {

// Tells whether a part was read without a complaint.
class Watch {
 public:
  explicit Watch(const yaml::Diagnostics& diagnostics)
      : diagnostics_(diagnostics), before_(diagnostics.size()) {}
  bool clean() const { return diagnostics_.size() == before_; }

 private:
  const yaml::Diagnostics& diagnostics_;
  const size_t before_;
};

// The name of a definition: lower-case letters, digits and underscores, starting with a letter.
// What is returned may break the rule, so that references to it resolve.
std::optional<std::string> ReadName(const yaml::Node& node, std::string_view what);

// The name of something in the user's data: letters, digits and underscores.
std::optional<std::string> ReadDataName(const yaml::Node& node, std::string_view what);

std::optional<Type> ReadType(const yaml::Node& node, std::string_view what);

// How far behind a stream may be; nothing where the key is not there.
std::optional<int64_t> ReadMaxStaleness(yaml::MapReader& reader);

std::string ReadDescription(yaml::MapReader& reader);

// A value of that type.
std::optional<Value> ReadTyped(const yaml::Node& node, std::string_view what, Type type);

// A value of that type that stands where a feature has none.
std::optional<Value> ReadDefault(const yaml::Node& node, Type type);

// What a feature's slot holds without a default of its own.
Value ZeroValue(Type type);

// The items of a list that must have one at least.
std::vector<yaml::Node> ReadItems(const yaml::Node& node, std::string_view what, size_t items_max);

// A map of names to types that must have one entry at least.
std::vector<Field> ReadFields(const yaml::Node& node, std::string_view what, size_t fields_max);

// Reports a key that this kind of definition has no use for.
void RefuseKey(yaml::MapReader& reader, std::string_view key, std::string_view reason);

// "entity 'user'".
std::string Quoted(std::string_view kind, std::string_view name);

}  // namespace freshet::registry
