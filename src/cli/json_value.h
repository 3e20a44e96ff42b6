// Values as JSON.
#pragma once

#include <cstdint>
#include <type_traits>
#include <vector>

#include <nlohmann/json.hpp>

#include "freshet/value.h"

namespace freshet::cli {

using Json = nlohmann::ordered_json;

// Decimals are strings, which no reader rounds. Numbers that JSON does not have are the strings "NaN",
// "Infinity" and "-Infinity", as in protobuf's JSON. A float is written with as many digits as it takes to tell it from its neighbours.
Json ToJson(const Column& column, size_t row);

// Null for kNoEventTimeMs.
Json TimeToJson(int64_t time_ms);

template <typename T>
Json ListToJson(const std::vector<T>& list, std::type_identity_t<Json (*)(const T&)> item_to_json) {
  Json json = Json::array();
  for (const T& item : list) json.push_back(item_to_json(item));
  return json;
}

}  // namespace freshet::cli
