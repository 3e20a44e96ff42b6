// Random requests, with what the oracle has to know of them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "freshet/features.h"

#include "engine/served_case.h"
#include "engine/served_oracle.h"

namespace freshet::served {

struct Asked {
  FeatureRequest request;
  std::vector<Selected> selected;
  Terms terms;
  size_t row_count = 1;
  std::map<std::string, std::vector<Value>> columns;  // of one value: for all rows
  std::map<std::string, std::vector<Value>> inputs;
};

// What is known where a request is asked.
struct Situation {
  const Case& definitions;
  const History& history;
  int64_t now_ms = 0;  // by the engine's clock
  const std::map<std::string, int64_t>& as_of_ms;
  const std::map<std::string, int64_t>& next_offset;  // of the sources that have events
};

// `waits`: it may wait for events, also for some that do not come.
Asked RandomRequest(Random& random, const Situation& situation, bool waits);

}  // namespace freshet::served
