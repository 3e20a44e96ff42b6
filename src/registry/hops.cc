#include <algorithm>
#include <array>
#include <numeric>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/time.h"
#include "registry/windows.h"
#include "timeline/timeline.h"

namespace freshet::registry {
namespace {

using timeline::CalendarUnit;
using timeline::Window;
using timeline::WindowKind;

// Local times differ from UTC by multiples of it.
constexpr int64_t kZoneOffsetsMs = 15 * 60'000;
// The narrowest cells of a view whose windows cut through cells: the same for all such views, so that
// windows can be added.
constexpr int64_t kExactCellMs = limits::kWindowMsMin;
// The head hops of views that have no sliding window.
constexpr int64_t kHourHopMs = 60'000;
constexpr int64_t kDayHopMs = 300'000;

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
        FormatDurationMs(window.window.window_ms), FormatDurationMs(*window.hop_ms),
        FormatDurationMs(resolved->hop_ms), resolved->node.mark().line));
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

void RefuseHopsBesideExact(const WindowRule& rule,
                           const std::vector<const WrittenWindow*>& windows) {
  constexpr std::string_view kMessage =
      "with 'exact: true' windows end at the millisecond; remove the hop";
  if (rule.hop_node.has_value()) rule.hop_node->Report(std::string(kMessage));
  for (const WrittenWindow* window : windows) {
    if (window->hop_node.has_value()) window->hop_node->Report(std::string(kMessage));
  }
}

int64_t HopOfOtherMs(const Window& window) {
  switch (window.kind) {
    case WindowKind::kTumbling:
    case WindowKind::kSession:
      return timeline::DefaultHopMs(window.window_ms);
    case WindowKind::kLastEvents:
      return limits::kLifetimeHeadHopMs;
    case WindowKind::kCalendar:
      return window.calendar->options().unit == CalendarUnit::kHour ? kHourHopMs : kDayHopMs;
    case WindowKind::kSliding:
      break;
  }
  return kDayHopMs;
}

// Without sliding windows, what is fine enough for the shortest of the others.
int64_t HopOfOthersMs(const std::vector<const WrittenWindow*>& windows) {
  int64_t hop_ms = windows.empty() ? limits::kLifetimeHeadHopMs : kDayHopMs;
  for (const WrittenWindow* written : windows)
    hop_ms = std::min(hop_ms, HopOfOtherMs(written->window));
  return hop_ms;
}

// What divides every place where a window may begin.
int64_t HeadHopMs(const WindowRule& rule, const std::map<int64_t, int64_t>& by_length_ms,
                  const std::vector<const WrittenWindow*>& windows) {
  int64_t head_ms = 0;
  if (rule.exact)
    head_ms = kExactCellMs;
  else if (!by_length_ms.empty())
    head_ms = by_length_ms.begin()->second;
  else
    head_ms =
        windows.empty() ? limits::kLifetimeHeadHopMs : rule.hop_ms.value_or(HopOfOthersMs(windows));
  for (const WrittenWindow* written : windows) {
    if (written->window.kind == WindowKind::kTumbling)
      head_ms = std::gcd(head_ms, written->window.window_ms);
    if (written->window.kind == WindowKind::kCalendar) head_ms = std::gcd(head_ms, kZoneOffsetsMs);
    // Cells must not be wider than a session's gap.
    if (written->window.kind == WindowKind::kSession && head_ms > written->window.window_ms)
      head_ms = std::gcd(head_ms, written->window.window_ms);
  }
  return head_ms;
}

}  // namespace

Hops ResolveHops(const WindowRule& rule, const std::vector<const WrittenWindow*>& windows) {
  if (rule.exact) RefuseHopsBesideExact(rule, windows);
  std::map<int64_t, Resolved> by_length;
  for (const WrittenWindow* written : windows) {
    if (!written->is_sliding()) continue;
    const int64_t window_ms = written->window.window_ms;
    Resolved& resolved = by_length[window_ms];
    if (resolved.window_ms == 0) {
      const int64_t default_hop_ms = timeline::DefaultHopMs(window_ms);
      const int64_t hop_ms = rule.exact ? std::max(default_hop_ms, kExactCellMs)
                                        : rule.hop_ms.value_or(default_hop_ms);
      resolved = {window_ms, hop_ms, written->node, false};
    }
    if (!rule.exact) AddExplicit(*written, &resolved);
  }

  Hops hops;
  const Resolved* finer = nullptr;
  for (const auto& [window_ms, resolved] : by_length) {
    hops.by_length_ms[window_ms] = resolved.hop_ms;
    if (rule.exact) continue;  // default hops, which cut no window
    if (!CheckDivides(resolved)) continue;
    if (finer != nullptr) CheckChain(*finer, resolved);
    finer = &resolved;
  }
  hops.head_ms = HeadHopMs(rule, hops.by_length_ms, windows);
  return hops;
}

}  // namespace freshet::registry
