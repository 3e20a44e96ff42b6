// The windows of a stream view and their hops: one hop per window length, each dividing the next.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "yaml/document.h"

namespace freshet::registry {

// One window as an aggregation lists it.
struct WrittenWindow {
  yaml::Node node;
  std::string spelling;
  int64_t window_ms = 0;
  std::optional<yaml::Node> hop_node;
  std::optional<int64_t> hop_ms;
};

// The list `windows` of one aggregation, ascending, each length once. `hop` is the aggregation's
// own, for windows that give none.
std::vector<WrittenWindow> ReadWindows(const yaml::Node& list,
                                       const std::optional<yaml::Node>& hop);

// What a view says about all of its windows.
struct HopRule {
  bool exact = false;
  std::optional<yaml::Node> hop_node;
  std::optional<int64_t> hop_ms;
};

// The hop of each window length of a view. Where no hop is right it is still given, and reported.
std::map<int64_t, int64_t> ResolveHops(const HopRule& rule,
                                       const std::vector<const WrittenWindow*>& windows);

}  // namespace freshet::registry
