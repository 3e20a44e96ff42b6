#include "expr/literals.h"

#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "base/utf8.h"
#include "expr/characters.h"
#include "expr/numbers.h"

namespace freshet::expr {
namespace {

constexpr uint64_t kMagnitudeMax = uint64_t{1} << 63;

bool Fail(size_t offset, std::string message, CompileError* error) {
  *error = {offset, std::move(message)};
  return false;
}

size_t SkipDigits(std::string_view text, size_t at) {
  while (at < text.size() && IsDigit(text[at])) ++at;
  return at;
}

// The end of the fraction and exponent that may follow whole digits.
size_t SkipFraction(std::string_view text, size_t at) {
  if (at + 1 < text.size() && text[at] == '.' && IsDigit(text[at + 1])) {
    at = SkipDigits(text, at + 1);
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    size_t digits = at + 1;
    if (digits < text.size() && (text[digits] == '+' || text[digits] == '-')) ++digits;
    if (digits < text.size() && IsDigit(text[digits])) at = SkipDigits(text, digits);
  }
  return at;
}

bool ReadInt(std::string_view digits, int base, Token* token, CompileError* error) {
  const char* end = digits.data() + digits.size();
  auto [stop, code] = std::from_chars(digits.data(), end, token->magnitude, base);
  if (code == std::errc::invalid_argument || stop != end) {
    return Fail(token->offset, fmt::format("'{}' lacks its digits", token->spelling), error);
  }
  if (code != std::errc() || token->magnitude > kMagnitudeMax) {
    return Fail(token->offset, fmt::format("{} does not fit in an int of 64 bits", token->spelling),
                error);
  }
  token->kind = TokenKind::kInt;
  return true;
}

bool ReadDouble(Token* token, CompileError* error) {
  std::optional<double> number = ParseDouble(token->spelling);
  if (!number.has_value()) {
    return Fail(token->offset, fmt::format("{} does not fit in a double", token->spelling), error);
  }
  token->number = *number;
  token->kind = TokenKind::kDouble;
  return true;
}

// What may not follow a number without a gap.
bool CheckNumberEnd(std::string_view text, const Token& token, CompileError* error) {
  size_t end = token.offset + token.spelling.size();
  if (end == text.size() || !(IsNameCharacter(text[end]) || text[end] == '.')) return true;
  size_t stop = end;
  while (stop < text.size() && (IsNameCharacter(text[stop]) || text[stop] == '.')) ++stop;
  std::string_view whole = text.substr(token.offset, stop - token.offset);
  if (whole.size() == token.spelling.size() + 1 && (whole.back() == 'u' || whole.back() == 'U')) {
    return Fail(token.offset, fmt::format("there are no unsigned ints; write {}", token.spelling),
                error);
  }
  return Fail(token.offset, fmt::format("'{}' is not a number", whole), error);
}

std::optional<uint32_t> ReadDigits(std::string_view digits, size_t count, int base) {
  if (digits.size() < count) return std::nullopt;
  uint32_t value = 0;
  auto [stop, code] = std::from_chars(digits.data(), digits.data() + count, value, base);
  if (code != std::errc() || stop != digits.data() + count) return std::nullopt;
  return value;
}

char PlainEscape(char letter) {
  switch (letter) {
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    case '\\':
    case '?':
    case '"':
    case '\'':
    case '`':
      return letter;
    default:
      return '\0';
  }
}

struct Numeric {
  size_t digits = 0;  // 0: not a numeric escape
  int base = 16;
  size_t prefix = 2;  // the backslash and the letter
};

Numeric NumericEscape(char letter) {
  switch (letter) {
    case 'x':
    case 'X':
      return {2};
    case 'u':
      return {4};
    case 'U':
      return {8};
    case '0':
    case '1':
    case '2':
    case '3':
      return {3, 8, 1};
    default:
      return {};
  }
}

// Decodes the inside of a string literal whose first byte is at `offset` of the expression.
class EscapeDecoder {
 public:
  EscapeDecoder(std::string_view body, size_t offset, CompileError* error)
      : body_(body), offset_(offset), error_(error) {}

  bool Decode(std::string* to) {
    while (at_ < body_.size()) {
      if (body_[at_] != '\\') {
        *to += body_[at_++];
      } else if (!DecodeEscape(to)) {
        return false;
      }
    }
    return true;
  }

 private:
  bool DecodeEscape(std::string* to) {
    char letter = body_[at_ + 1];
    if (char plain = PlainEscape(letter); plain != '\0') {
      *to += plain;
      at_ += 2;
      return true;
    }
    Numeric numeric = NumericEscape(letter);
    if (numeric.digits == 0) {
      return Fail(offset_ + at_, R"(unknown escape; a backslash itself is written \\ or r"...")",
                  error_);
    }
    return DecodeNumeric(numeric, to);
  }

  bool DecodeNumeric(const Numeric& numeric, std::string* to) {
    std::string_view digits = body_.substr(at_ + numeric.prefix);
    std::optional<uint32_t> value = ReadDigits(digits, numeric.digits, numeric.base);
    if (!value.has_value()) {
      return Fail(offset_ + at_,
                  fmt::format("this escape takes {} {} digits", numeric.digits,
                              numeric.base == 8 ? "octal" : "hexadecimal"),
                  error_);
    }
    size_t end = at_ + numeric.prefix + numeric.digits;
    if (numeric.digits == 4 && *value >= 0xD800 && *value < 0xDC00)
      end = JoinSurrogates(end, &*value);
    if (!IsCodePoint(*value)) {
      return Fail(offset_ + at_, fmt::format("U+{:04X} is not a Unicode character", *value),
                  error_);
    }
    AppendUtf8(*to, *value);
    at_ = end;
    return true;
  }

  // Joins the high surrogate *value with the low one that follows, and returns where that ends.
  size_t JoinSurrogates(size_t end, uint32_t* value) const {
    std::string_view rest = body_.substr(end);
    if (!rest.starts_with("\\u")) return end;
    std::optional<uint32_t> low = ReadDigits(rest.substr(2), 4, 16);
    if (!low.has_value() || *low < 0xDC00 || *low > 0xDFFF) return end;
    *value = 0x10000 + ((*value - 0xD800) << 10) + (*low - 0xDC00);
    return end + 6;
  }

  std::string_view body_;
  size_t offset_;
  CompileError* error_;
  size_t at_ = 0;
};

// The offset of the closing delimiter, npos when there is none.
size_t FindClosing(std::string_view text, size_t at, std::string_view delimiter, bool raw) {
  bool may_hold_newlines = delimiter.size() == 3;
  while (at < text.size()) {
    if (text.substr(at).starts_with(delimiter)) return at;
    if (!may_hold_newlines && (text[at] == '\n' || text[at] == '\r')) return text.npos;
    at += !raw && text[at] == '\\' ? 2 : 1;
  }
  return text.npos;
}

}  // namespace

bool ReadNumber(std::string_view text, size_t offset, Token* token, CompileError* error) {
  token->offset = offset;
  bool hexadecimal = text.substr(offset).starts_with("0x");
  size_t whole_end = SkipDigits(text, offset);
  size_t end = whole_end;
  if (hexadecimal) {
    end = offset + 2;
    while (end < text.size() && IsHexDigit(text[end])) ++end;
  } else {
    end = SkipFraction(text, whole_end);
  }
  token->spelling = text.substr(offset, end - offset);
  if (!CheckNumberEnd(text, *token, error)) return false;
  if (hexadecimal) return ReadInt(token->spelling.substr(2), 16, token, error);
  if (end == whole_end) return ReadInt(token->spelling, 10, token, error);
  return ReadDouble(token, error);
}

bool ReadString(std::string_view text, size_t offset, Token* token, CompileError* error) {
  bool raw = text[offset] == 'r' || text[offset] == 'R';
  size_t quote = offset + (raw ? 1 : 0);
  std::string_view delimiter = text.substr(quote, 3);
  bool triple = delimiter == "'''" || delimiter == "\"\"\"";
  if (!triple) delimiter = text.substr(quote, 1);

  size_t body = quote + delimiter.size();
  size_t closing = FindClosing(text, body, delimiter, raw);
  if (closing == text.npos) {
    return Fail(offset, fmt::format("this string lacks its closing {}", delimiter), error);
  }
  token->kind = TokenKind::kString;
  token->offset = offset;
  token->spelling = text.substr(offset, closing + delimiter.size() - offset);
  std::string_view inside = text.substr(body, closing - body);
  if (raw) {
    token->text = inside;
    return true;
  }
  return EscapeDecoder(inside, body, error).Decode(&token->text);
}

}  // namespace freshet::expr
