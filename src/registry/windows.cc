#include "registry/windows.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/time.h"
#include "timeline/timeline.h"

namespace freshet::registry {
namespace {

std::optional<WrittenWindow> ReadWindow(const yaml::Node& node) {
  WrittenWindow window{node};
  std::optional<yaml::Node> length = node;
  if (node.is_map()) {
    yaml::MapReader reader(node, "window");
    length = reader.Required("window");
    window.hop_node = reader.Optional("hop");
    reader.Done();
  }
  if (!length.has_value()) return std::nullopt;
  window.node = *length;
  if (window.hop_node.has_value()) window.hop_ms = window.hop_node->AsDurationMs("hop");
  std::optional<int64_t> window_ms = length->AsDurationMs("window");
  if (!window_ms.has_value()) return std::nullopt;
  window.window_ms = *window_ms;
  window.spelling = *length->AsString("window");
  if (*window_ms < limits::kWindowMsMin || *window_ms > limits::kWindowMsMax) {
    length->Report(fmt::format("a window of {} is not allowed; allowed are {} to {}",
                               window.spelling, FormatDurationMs(limits::kWindowMsMin),
                               FormatDurationMs(limits::kWindowMsMax)));
    return std::nullopt;
  }
  return window;
}

// Round to people; each is tried as a proposal.
constexpr std::array<int64_t, 26> kRoundMs = {
    1,       2,       5,       10,        20,        50,        100,       200,       500,
    1'000,   2'000,   5'000,   10'000,    15'000,    20'000,    30'000,    60'000,    120'000,
    300'000, 600'000, 900'000, 1'200'000, 1'800'000, 3'600'000, 7'200'000, 86'400'000};

// The largest round hop at or below `limit_ms` that divides `window_ms` and is a multiple of
// `finer_ms`; nothing when there is none.
std::optional<int64_t> ProposeHop(int64_t window_ms, int64_t limit_ms, int64_t finer_ms) {
  for (auto round = kRoundMs.rbegin(); round != kRoundMs.rend(); ++round) {
    if (*round <= limit_ms && window_ms % *round == 0 && *round % finer_ms == 0) return *round;
  }
  if (finer_ms <= limit_ms && window_ms % finer_ms == 0) return finer_ms;
  return std::nullopt;
}

// One window length of a view and where its hop comes from.
struct Resolved {
  int64_t window_ms = 0;
  int64_t hop_ms = 0;
  yaml::Node node;  // of the hop where one is written, else of the window
  bool is_explicit = false;
};

void AddExplicit(const WrittenWindow& window, Resolved* resolved) {
  if (!window.hop_ms.has_value()) return;
  if (resolved->is_explicit && resolved->hop_ms != *window.hop_ms) {
    window.hop_node->Report(fmt::format(
        "window {} has the hop {} here and {} in line {}; a view has one hop for each window: give "
        "both the same",
        window.spelling, FormatDurationMs(*window.hop_ms), FormatDurationMs(resolved->hop_ms),
        resolved->node.mark().line));
    return;
  }
  if (resolved->is_explicit) return;
  resolved->is_explicit = true;
  resolved->hop_ms = *window.hop_ms;
  resolved->node = *window.hop_node;
}

// False, and reported, when the hop does not fit its window.
bool CheckDivides(const Resolved& each) {
  if (each.hop_ms <= each.window_ms && each.window_ms % each.hop_ms == 0) return true;
  int64_t limit_ms =
      each.hop_ms > each.window_ms ? timeline::DefaultHopMs(each.window_ms) : each.hop_ms;
  int64_t proposed_ms = ProposeHop(each.window_ms, limit_ms, 1).value_or(1);
  each.node.Report(fmt::format("the hop {} does not divide the window {}; {} does",
                               FormatDurationMs(each.hop_ms), FormatDurationMs(each.window_ms),
                               FormatDurationMs(proposed_ms)));
  return false;
}

void CheckChain(const Resolved& finer, const Resolved& coarser) {
  if (coarser.hop_ms % finer.hop_ms == 0) return;
  std::string proposal;
  int64_t limit_ms = std::max(coarser.hop_ms, finer.hop_ms);
  if (auto hop_ms = ProposeHop(coarser.window_ms, limit_ms, finer.hop_ms)) {
    proposal = fmt::format("{{window: {}, hop: {}}}", FormatDurationMs(coarser.window_ms),
                           FormatDurationMs(*hop_ms));
  } else {
    proposal = fmt::format("{{window: {}, hop: {}}}", FormatDurationMs(finer.window_ms),
                           FormatDurationMs(std::gcd(finer.hop_ms, coarser.hop_ms)));
  }
  coarser.node.Report(fmt::format(
      "the hop {} of window {} is not a multiple of the hop {} of window {}; the hop of a shorter "
      "window must divide that of a longer one: {} would do",
      FormatDurationMs(coarser.hop_ms), FormatDurationMs(coarser.window_ms),
      FormatDurationMs(finer.hop_ms), FormatDurationMs(finer.window_ms), proposal));
}

void RefuseHopsBesideExact(const HopRule& rule, const std::vector<const WrittenWindow*>& windows) {
  constexpr std::string_view kMessage = "'exact: true' means hops of 1ms; remove the hop";
  if (rule.hop_node.has_value()) rule.hop_node->Report(std::string(kMessage));
  for (const WrittenWindow* window : windows) {
    if (window->hop_node.has_value()) window->hop_node->Report(std::string(kMessage));
  }
}

}  // namespace

std::vector<WrittenWindow> ReadWindows(const yaml::Node& list,
                                       const std::optional<yaml::Node>& hop) {
  std::vector<WrittenWindow> windows;
  std::vector<yaml::Node> items = list.AsList("windows");
  if (list.is_list() && items.empty())
    list.Report("the list of windows is empty; remove it for a value over the entity's lifetime");
  if (items.size() > limits::kWindowsMax) {
    list.Report(
        fmt::format("{} windows; at most {} are allowed", items.size(), limits::kWindowsMax));
    items.resize(limits::kWindowsMax);
  }
  std::optional<int64_t> hop_ms = hop.has_value() ? hop->AsDurationMs("hop") : std::nullopt;
  for (const yaml::Node& item : items) {
    std::optional<WrittenWindow> window = ReadWindow(item);
    if (!window.has_value()) continue;
    if (!window->hop_node.has_value()) {
      window->hop_node = hop;
      window->hop_ms = hop_ms;
    }
    auto same = std::find_if(windows.begin(), windows.end(), [&](const WrittenWindow& other) {
      return other.window_ms == window->window_ms;
    });
    if (same == windows.end()) {
      windows.push_back(std::move(*window));
    } else if (same->spelling == window->spelling) {
      window->node.Report(fmt::format("the window {} is listed twice", window->spelling));
    } else {
      window->node.Report(
          fmt::format("the windows {} and {} are the same", same->spelling, window->spelling));
    }
  }
  std::stable_sort(
      windows.begin(), windows.end(),
      [](const WrittenWindow& a, const WrittenWindow& b) { return a.window_ms < b.window_ms; });
  return windows;
}

std::map<int64_t, int64_t> ResolveHops(const HopRule& rule,
                                       const std::vector<const WrittenWindow*>& windows) {
  if (rule.exact) RefuseHopsBesideExact(rule, windows);
  std::map<int64_t, Resolved> by_length;
  for (const WrittenWindow* window : windows) {
    Resolved& resolved = by_length[window->window_ms];
    if (resolved.window_ms == 0) {
      int64_t hop_ms = rule.hop_ms.value_or(timeline::DefaultHopMs(window->window_ms));
      resolved = {window->window_ms, rule.exact ? 1 : hop_ms, window->node, false};
    }
    if (!rule.exact) AddExplicit(*window, &resolved);
  }

  std::map<int64_t, int64_t> hops;
  const Resolved* finer = nullptr;
  for (const auto& [window_ms, resolved] : by_length) {
    hops[window_ms] = resolved.hop_ms;
    if (!CheckDivides(resolved)) continue;
    if (finer != nullptr) CheckChain(*finer, resolved);
    finer = &resolved;
  }
  return hops;
}

}  // namespace freshet::registry
