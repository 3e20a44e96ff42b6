// Feature vectors for a person and for a program.
#pragma once

#include <string>

#include "freshet/features.h"

namespace freshet::cli {

// One line a feature, the keys on the first line of each row. Event times when they are there.
std::string RenderTable(const FeatureRequest& request, const FeatureResponse& response);

// One object a row, each on a line: the keys, and per feature `value`, `status`, with times
// `event_time_ms` (null where no event has touched the value), and for FAILED the `reason`; with
// as-ofs `as_of_ms` by source.
std::string RenderJson(const FeatureRequest& request, const FeatureResponse& response);

}  // namespace freshet::cli
