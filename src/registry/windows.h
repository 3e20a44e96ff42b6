// The windows of a stream view: how they are written (windows.cc), their hops (hops.cc) - one per length, each dividing the
// next - and the hop at the newer end of all of them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "timeline/timeline.h"
#include "yaml/document.h"

namespace freshet::registry {

// One window as an aggregation lists it.
struct WrittenWindow {
  yaml::Node node;
  std::string name;         // of the feature, behind the aggregation's
  timeline::Window window;  // its hop is not set
  std::optional<yaml::Node> hop_node;
  std::optional<int64_t> hop_ms;

  bool is_sliding() const { return window.kind == timeline::WindowKind::kSliding; }
};

// What a view says about all of its windows.
struct WindowRule {
  bool exact = false;
  std::optional<yaml::Node> hop_node;
  std::optional<int64_t> hop_ms;
  std::optional<yaml::Node> time_zone_node;
  std::optional<yaml::Node> week_starts_node;
  timeline::Calendar::Options calendar;  // its unit is not set
};
WindowRule ReadWindowRule(yaml::MapReader& reader);

// The list `windows` of one aggregation: sliding ones ascending, then the others; none twice. `hop`
// is the aggregation's own, for sliding windows that give none.
std::vector<WrittenWindow> ReadWindows(const yaml::Node& list, const std::optional<yaml::Node>& hop,
                                       const WindowRule& rule);

struct Hops {
  std::map<int64_t, int64_t> by_length_ms;  // of sliding windows
  int64_t head_ms = 0;
};
// The hops of a view. Where no hop is right it is still given, and reported.
Hops ResolveHops(const WindowRule& rule, const std::vector<const WrittenWindow*>& windows);

}  // namespace freshet::registry
