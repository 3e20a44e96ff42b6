#include "yaml/text_check.h"

#include <algorithm>
#include <cstdint>

namespace freshet::yaml {
namespace {

bool IsContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// The bytes of the character at the front of `text`; 0 when it is malformed, overlong, a surrogate
// or beyond U+10FFFF.
size_t CharacterBytes(std::string_view text) {
  auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return 1;
  size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return 0;
  if (!std::all_of(text.begin() + 1, text.begin() + size, IsContinuation)) return 0;
  auto second = static_cast<unsigned char>(text[1]);
  bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  bool surrogate = lead == 0xED && second >= 0xA0;
  bool too_large = lead == 0xF4 && second >= 0x90;
  return overlong || surrogate || too_large ? 0 : size;
}

bool IsForbiddenControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r';
}

}  // namespace

TextFault FindTextFault(std::string_view text) {
  size_t offset = 0;
  while (offset < text.size()) {
    size_t size = CharacterBytes(text.substr(offset));
    if (size == 0) return {offset, "not valid UTF-8; save the file as UTF-8"};
    if (IsForbiddenControl(text[offset]))
      return {offset, "a control character; remove it or write it as an escape in double quotes"};
    offset += size;
  }
  return {};
}

size_t CountCharacters(std::string_view text) {
  return text.size() - std::count_if(text.begin(), text.end(), IsContinuation);
}

bool IsQuoteClosed(std::string_view text) {
  if (text.empty() || (text.front() != '\'' && text.front() != '"')) return true;
  char quote = text.front();
  for (size_t i = 1; i < text.size(); ++i) {
    bool is_escape = quote == '"' && text[i] == '\\';
    bool is_doubled = quote == '\'' && text.substr(i).starts_with("''");
    if (is_escape || is_doubled) {
      ++i;
    } else if (text[i] == quote) {
      return true;
    }
  }
  return false;
}

}  // namespace freshet::yaml
