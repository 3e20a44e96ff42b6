// Values as JSON text, appended to what is there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "freshet/value.h"

namespace freshet::http {

// With quotes. Bytes that are not UTF-8 become U+FFFD.
void AppendText(std::string_view text, std::string* json);
// The time, or null for kNoEventTimeMs.
void AppendTime(int64_t time_ms, std::string* json);
// One value of a column, of a list one element. Decimals are strings, which no reader rounds. Numbers that
// JSON does not have are the strings "NaN", "Infinity" and "-Infinity".
void AppendValue(const Column& column, size_t row, std::string* json);

}  // namespace freshet::http
