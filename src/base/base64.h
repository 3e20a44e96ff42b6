// Base64, as RFC 4648 has it: how bytes are written where only text can stand.
#pragma once

#include <string>
#include <string_view>

namespace freshet {

// The standard alphabet, padded.
std::string EncodeBase64(std::string_view bytes);
// Puts what the text stands for into *bytes. Takes the standard alphabet and the one for URLs, padded
// or not, as JSON of Protobuf does. False, and *bytes is unspecified, when the text is no base64: another
// character, a length that none has, or bits beyond the last byte that are not zero, so that two
// texts of one alphabet and padding never stand for the same bytes.
bool DecodeBase64(std::string_view text, std::string* bytes);

}  // namespace freshet
