// Requests against their plan: the columns are all there, of the right types and lengths, within
// their limits.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "freshet/features.h"
#include "freshet/status.h"

#include "serve/plan.h"
#include "serve/scratch.h"

namespace freshet::serve {

// One of the two is given, and the list is not too long.
Status CheckSelection(std::string_view service, std::span<const std::string> features);

// What does not hang on the plan: the service or the list, the options and their ranges.
Status CheckRequest(const FeatureRequest& request, bool allow_read_time);

// Points the scratch at the request's columns and answers the number of rows. InvalidArgument names
// the column and what is allowed.
Result<uint32_t> BindColumns(const Plan& plan, const FeatureRequest& request, Scratch& scratch);

// Encodes the keys of all entities. InvalidArgument names the column and the row of a value that
// cannot be a key.
Status EncodeKeys(const Plan& plan, uint32_t row_count, Scratch& scratch);

}  // namespace freshet::serve
