// An explanation for a person, and as JSON.
#pragma once

#include <string>

#include "freshet/explain.h"

namespace freshet::cli {

std::string RenderExplanation(const Explanation& explanation);
// One object.
std::string RenderExplanationJson(const Explanation& explanation);

}  // namespace freshet::cli
