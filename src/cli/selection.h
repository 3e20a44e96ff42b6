// Which features a command is about: a service that it names, or --features.
#pragma once

#include <string>
#include <vector>

#include "freshet/features.h"
#include "freshet/status.h"

namespace freshet::cli {

// Takes the service's name off the front of the words unless a list of features, "view.feature,...",
// stands for it. InvalidArgument for both or neither.
Status TakeSelection(const std::string& features, std::vector<std::string>* words,
                     FeatureRequest* request);

}  // namespace freshet::cli
