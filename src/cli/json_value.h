// Values as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "freshet/value.h"

namespace freshet::cli {

using Json = nlohmann::ordered_json;

// Decimals are strings, which no reader rounds. Numbers that JSON does not have are the strings "NaN",
// "Infinity" and "-Infinity", as in protobuf's JSON. A float is written with as many digits as it takes to tell it from its neighbours.
Json ToJson(const Column& column, size_t row);

}  // namespace freshet::cli
