// Durations and instants: their spelling in definitions, requests and events.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "freshet/status.h"

namespace freshet {

// floor(time / step) * step, also below zero. step > 0. Saturates at the least int64 multiple.
int64_t AlignDown(int64_t time_ms, int64_t step_ms);

// "500ms", "90s", "1m", "2h", "7d", "1w": a whole number and a unit; sums such as "1h30m" too.
// Result > 0.
Result<int64_t> ParseDurationMs(std::string_view text);
// The shortest spelling that parses back: 60000 -> "1m", 90000 -> "90s".
std::string FormatDurationMs(int64_t duration_ms);

// RFC 3339 ("2026-11-24T10:00:00.123Z", "...+05:30"), milliseconds since the epoch; finer digits
// are cut off. Year 0001-9999.
Result<int64_t> ParseRfc3339Ms(std::string_view text);
std::string FormatRfc3339Ms(int64_t time_ms);

}  // namespace freshet
