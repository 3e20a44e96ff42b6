#include "load/json_syntax.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/decimal.h"
#include "base/limits.h"
#include "load/field_value.h"

namespace freshet::load {
namespace {

namespace ondemand = simdjson::ondemand;

// Takes a text apart from its front.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool at_end() const { return text_.empty(); }
  bool TakeOneOf(std::string_view characters) {
    if (at_end() || characters.find(text_.front()) == std::string_view::npos) return false;
    text_.remove_prefix(1);
    return true;
  }
  // How many of `characters` came in a row, at most `count_max`.
  size_t TakeAll(std::string_view characters, size_t count_max = std::string_view::npos) {
    const size_t run = std::min(text_.find_first_not_of(characters), text_.size());
    const size_t count = std::min(run, count_max);
    text_.remove_prefix(count);
    return count;
  }
  bool SkipTo(char character) {
    text_.remove_prefix(std::min(text_.find(character), text_.size()));
    return !at_end();
  }

 private:
  std::string_view text_;
};

// Of a string with its quotes, which simdjson has found to be closed and free of control characters.
bool HasGoodEscapes(std::string_view token) {
  Scanner scanner(token);
  while (scanner.SkipTo('\\')) {
    scanner.TakeOneOf("\\");
    if (scanner.TakeOneOf("u")) {
      if (scanner.TakeAll("0123456789abcdefABCDEF", 4) != 4) return false;
    } else if (!scanner.TakeOneOf("\"\\/bfnrt")) {
      return false;
    }
  }
  return true;
}

bool IsScalar(std::string_view token) {
  if (token.starts_with('"')) return HasGoodEscapes(token);
  return token == "true" || token == "false" || token == "null" || IsJsonNumber(token);
}

std::string ErrorText(simdjson::error_code error) {
  return simdjson::error_message(error);
}

std::string FindMalformedAt(size_t depth, ondemand::value value);

std::string FindMalformedInList(size_t depth, ondemand::value& value) {
  ondemand::array list;
  if (const auto error = value.get_array().get(list); error != simdjson::SUCCESS)
    return ErrorText(error);
  for (auto&& element : list) {
    ondemand::value item;
    if (const auto error = std::forward<decltype(element)>(element).get(item);
        error != simdjson::SUCCESS)
      return ErrorText(error);
    if (std::string malformed = FindMalformedAt(depth + 1, item); !malformed.empty())
      return malformed;
  }
  return {};
}

std::string FindMalformedInObject(size_t depth, ondemand::value& value) {
  ondemand::object object;
  if (const auto error = value.get_object().get(object); error != simdjson::SUCCESS)
    return ErrorText(error);
  for (auto member : object) {
    ondemand::field field;
    std::string_view key;
    if (const auto error = std::move(member).get(field); error != simdjson::SUCCESS)
      return ErrorText(error);
    if (const auto error = field.unescaped_key().get(key); error != simdjson::SUCCESS)
      return ErrorText(error);
    if (std::string malformed = FindMalformedAt(depth + 1, field.value()); !malformed.empty())
      return malformed;
  }
  return {};
}

// `depth`: how many lists and objects hold the value. Bounded, because each takes room on the stack.
std::string FindMalformedAt(size_t depth, ondemand::value value) {
  ondemand::json_type type;
  if (const auto error = value.type().get(type); error != simdjson::SUCCESS)
    return ErrorText(error);
  const bool is_list = type == ondemand::json_type::array;
  if (!is_list && type != ondemand::json_type::object) {
    const std::string_view token = TrimmedJson(value.raw_json_token());
    return IsScalar(token) ? std::string()
                           : fmt::format("{} is not a JSON value", Shortened(token));
  }
  if (depth >= limits::kJsonDepthMax)
    return fmt::format("lists and objects are nested more than {} deep", limits::kJsonDepthMax);
  return is_list ? FindMalformedInList(depth, value) : FindMalformedInObject(depth, value);
}

}  // namespace

std::string_view TrimmedJson(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

// The object that is the row holds it.
std::string FindMalformed(ondemand::value value) {
  return FindMalformedAt(1, value);
}

}  // namespace freshet::load
