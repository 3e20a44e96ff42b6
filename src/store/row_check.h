// What every row of a load is asked before it is taken.
#pragma once

#include <string_view>

#include "freshet/status.h"

#include "store/row.h"

namespace freshet::store {

// InvalidArgument when the key or the row is not one of the table, or larger than may be.
Status CheckRow(const RowLayout& layout, std::string_view entity_key, std::string_view row);

}  // namespace freshet::store
