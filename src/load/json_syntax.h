// Whether a value keeps JSON's grammar, also where nobody asks for what it says: simdjson looks no
// closer at a value than it is asked to.
#pragma once

#include <simdjson.h>
#include <string>
#include <string_view>

namespace freshet::load {

// Without the blanks of JSON around it.
std::string_view TrimmedJson(std::string_view text);

// What is malformed in `value`, or in what it holds: "tru is not a JSON value". Empty when nothing
// is. A list or an object must not have been read before, and is read through.
std::string FindMalformed(simdjson::ondemand::value value);

}  // namespace freshet::load
