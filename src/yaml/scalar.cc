// Scalars as numbers, truth values, durations and sizes.
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "base/time.h"
#include "yaml/document.h"

namespace freshet::yaml {
namespace {

template <typename T>
bool ParseWhole(std::string_view text, T* value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

struct Unit {
  std::string_view name;
  int64_t bytes;
};
constexpr std::array<Unit, 10> kByteUnits = {{{"", 1},
                                              {"B", 1},
                                              {"KB", 1'000},
                                              {"MB", 1'000'000},
                                              {"GB", 1'000'000'000},
                                              {"TB", 1'000'000'000'000},
                                              {"KiB", 1LL << 10},
                                              {"MiB", 1LL << 20},
                                              {"GiB", 1LL << 30},
                                              {"TiB", 1LL << 40}}};

bool ParseBytes(std::string_view text, int64_t* bytes) {
  size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  int64_t count = 0;
  if (!ParseWhole(text.substr(0, digits), &count)) return false;
  std::string_view unit_name = text.substr(digits);
  if (!unit_name.empty() && unit_name.front() == ' ') unit_name.remove_prefix(1);
  for (const Unit& unit : kByteUnits) {
    if (unit.name == unit_name) return !__builtin_mul_overflow(count, unit.bytes, bytes);
  }
  return false;
}

}  // namespace

std::optional<int64_t> Node::AsInt(std::string_view what) const {
  std::optional<std::string> text = AsString(what);
  if (!text.has_value()) return std::nullopt;
  int64_t value = 0;
  bool is_int = ParseWhole(*text, &value);
  if (is_int && !is_quoted()) return value;
  Report(is_int ? fmt::format("{} must be a number, not a text; remove the quotes", what)
                : fmt::format("{} must be a whole number, not '{}'", what, *text));
  return std::nullopt;
}

std::optional<double> Node::AsDouble(std::string_view what) const {
  std::optional<std::string> text = AsString(what);
  if (!text.has_value()) return std::nullopt;
  double value = 0;
  bool is_number = ParseWhole(*text, &value) && std::isfinite(value);
  if (is_number && !is_quoted()) return value;
  Report(is_number ? fmt::format("{} must be a number, not a text; remove the quotes", what)
                   : fmt::format("{} must be a number, not '{}'", what, *text));
  return std::nullopt;
}

std::optional<bool> Node::AsBool(std::string_view what) const {
  std::optional<std::string> text = AsString(what);
  if (!text.has_value()) return std::nullopt;
  if (!is_quoted() && (*text == "true" || *text == "false")) return *text == "true";
  Report(fmt::format("{} must be true or false{}, not '{}'", what,
                     is_quoted() ? " without quotes" : "", *text));
  return std::nullopt;
}

std::optional<int64_t> Node::AsDurationMs(std::string_view what) const {
  std::optional<std::string> text = AsString(what);
  if (!text.has_value()) return std::nullopt;
  Result<int64_t> duration_ms = ParseDurationMs(*text);
  if (duration_ms.ok()) return *duration_ms;
  Report(fmt::format("{}: {}", what, duration_ms.status().message()));
  return std::nullopt;
}

std::optional<int64_t> Node::AsBytes(std::string_view what) const {
  std::optional<std::string> text = AsString(what);
  if (!text.has_value()) return std::nullopt;
  int64_t bytes = 0;
  if (ParseBytes(*text, &bytes)) return bytes;
  Report(
      fmt::format("{}: '{}' is not a size in bytes; write a whole number and a unit (B, KB, MB, "
                  "GB, TB, KiB, MiB, GiB, TiB), as in 512MB",
                  what, *text));
  return std::nullopt;
}

}  // namespace freshet::yaml
