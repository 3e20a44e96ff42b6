// What keys and rows of a load are asked before they are taken.
#pragma once

#include <string_view>

#include "freshet/status.h"

namespace freshet::store {

// InvalidArgument when the key or the row is larger than may be, or the key empty.
Status CheckSizes(std::string_view entity_key, std::string_view row);

}  // namespace freshet::store
