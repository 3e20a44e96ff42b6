// What a person writes after `freshet get`: key=value, typed by what the server says of the service.
#pragma once

#include <string>
#include <vector>

#include "freshet/engine.h"
#include "freshet/features.h"
#include "freshet/status.h"

namespace freshet::cli {

// Fills request->entities and request->inputs. "key=a,b,c" is three rows, and so is the key three
// times; "key==a,b" is one value with a comma. A key with one value has it in every row.
// InvalidArgument names the argument: no '=', a key that the service does not have, a value that is
// not of its type, or rows that do not agree.
Status ReadKeyValues(const std::vector<std::string>& arguments,
                     const ServiceDescription& description, FeatureRequest* request);

// "bool": true or false; numbers in their ranges; "timestamp": RFC 3339 or milliseconds since the
// epoch. InvalidArgument says what was expected. Appends to *column, whose type it follows.
Status AppendValue(std::string_view text, Column* column);

}  // namespace freshet::cli
