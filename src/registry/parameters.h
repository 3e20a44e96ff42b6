// What an aggregation says beside its function and input, such as a half-life.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregate/aggregate.h"
#include "yaml/document.h"

namespace freshet::registry {

// Reads the parameters that the function takes, and reports those that are missing (at
// `function_node`), wrong, or there although the function takes none such. Nothing, too, when the
// function is not known.
std::optional<aggregate::Parameters> ReadParameters(const yaml::Node& function_node,
                                                    std::optional<std::string_view> function,
                                                    yaml::MapReader& reader);

// The keys and values of an aggregate's parameters, as definitions write them.
std::vector<std::pair<std::string, std::string>> SpellParameters(
    const aggregate::Aggregate& aggregate);

}  // namespace freshet::registry
