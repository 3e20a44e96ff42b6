// What a text must be before it is worth parsing.
#pragma once

#include <cstddef>
#include <string_view>

namespace freshet::yaml {

struct TextFault {
  size_t offset = 0;
  const char* message = nullptr;  // null: nothing is wrong
};

// The first place where `text` is not UTF-8 or holds a control character other than tab and line
// ends.
TextFault FindTextFault(std::string_view text);

// How many characters `text`, valid UTF-8, has.
size_t CountCharacters(std::string_view text);

// False when `text` starts with a single or double quote that has no closing one, by the rules of
// YAML.
bool IsQuoteClosed(std::string_view text);

}  // namespace freshet::yaml
