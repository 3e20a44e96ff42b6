// What a body must be before it is worth memory: JSON of a bounded depth without a key twice.
#pragma once

#include <string_view>

#include "freshet/status.h"

namespace freshet::http {

// InvalidArgument says where ("line 2, column 7") and what. Allocates no more than the keys of the
// objects that are open.
Status CheckJson(std::string_view text);

}  // namespace freshet::http
