#include "timeline/levels.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "base/check.h"

namespace freshet::timeline {
namespace {

// A fold moves all younger cells: it is worth its cost once this share of the time that they span
// has passed.
constexpr int64_t kFoldsPerSpan = 32;
// How many cells may wait for one of the next level to be complete.
constexpr int64_t kCellsWaitingMax = 60;
// How often the beginnings of a calendar are asked for.
constexpr int64_t kCalendarStepMs = 300'000;

constexpr int64_t kWidthsBetweenMs[] = {
    10,     50,      100,     500,       1'000,     5'000,      10'000,     20'000,
    60'000, 300'000, 600'000, 1'200'000, 3'600'000, 14'400'000, 43'200'000, 86'400'000};

// `width` times the largest power of two that keeps it at or below `limit`; `width` itself when
// that is above.
int64_t DoubledUpTo(int64_t width_ms, int64_t limit_ms) {
  while (width_ms <= limit_ms / 2) width_ms *= 2;
  return width_ms;
}

// A large divisor of `step` that is a multiple of `width` and, but for `width` itself, at or below
// `limit`.
int64_t DivisorUpTo(int64_t step_ms, int64_t width_ms, int64_t limit_ms) {
  int64_t factor = step_ms / width_ms;
  int64_t prime = 2;
  while (factor > 1 && factor > limit_ms / width_ms) {
    if (prime > factor / prime) return width_ms;
    if (factor % prime == 0)
      factor /= prime;
    else
      ++prime;
  }
  return factor * width_ms;
}

bool IsUniform(const Level& level) {
  return level.grids.size() == 1 && level.grids[0].is_uniform();
}

int64_t FinestMs(const Level& level) {
  int64_t finest_ms = level.grids.front().ShortestMs();
  for (const Grid& grid : level.grids) finest_ms = std::min(finest_ms, grid.ShortestMs());
  return finest_ms;
}

// Adds a grid unless its cuts are there already, and drops those that are among its own.
void AddGrid(std::vector<Grid>& grids, const Grid& grid) {
  for (const Grid& each : grids)
    if (each.Contains(grid)) return;
  std::erase_if(grids, [&](const Grid& each) { return grid.Contains(each); });
  grids.push_back(grid);
}

bool IsSame(const std::vector<Grid>& a, const std::vector<Grid>& b) {
  const auto is_in = [](const Grid& grid, const std::vector<Grid>& grids) {
    return std::any_of(grids.begin(), grids.end(), [&](const Grid& each) {
      return each.Contains(grid) && grid.Contains(each);
    });
  };
  return a.size() == b.size() &&
         std::all_of(a.begin(), a.end(), [&](const Grid& grid) { return is_in(grid, b); });
}

int64_t FarthestMs(const Reach& reach) {
  return reach.depth_ms + reach.grid.LongestMs();
}

// While a week, month or year goes on, its cells are whole days: days reach as far back as do all
// windows that are shorter.
void AddDays(std::vector<Reach>& reaches) {
  std::vector<Reach> days;
  for (const Reach& reach : reaches) {
    if (reach.grid.is_uniform() || reach.grid.calendar->options().unit <= CalendarUnit::kDay)
      continue;
    Calendar::Options options = reach.grid.calendar->options();
    options.unit = CalendarUnit::kDay;
    const auto calendar = Calendar::Create(options);
    FRESHET_CHECK(calendar.ok());
    Reach day = {{reach.grid.step_ms, *calendar}};
    for (const Reach& other : reaches)
      if (FarthestMs(other) < FarthestMs(reach))
        day.depth_ms = std::max(day.depth_ms, other.depth_ms);
    days.push_back(day);
  }
  reaches.insert(reaches.end(), days.begin(), days.end());
}

// By how far back they reach, cells that are not complete included.
std::vector<Reach> MakeReaches(const std::vector<Window>& windows, int64_t head_hop_ms,
                               int64_t clock_skew_ms) {
  Reach head = {{head_hop_ms, nullptr}, clock_skew_ms};
  std::vector<Reach> reaches;
  for (const Window& window : windows) {
    if (window.kind == WindowKind::kLastEvents) continue;  // they are kept one by one
    head.depth_ms = std::max(head.depth_ms, clock_skew_ms + window.offset_ms);
    reaches.push_back({GridOf(window, head_hop_ms), clock_skew_ms + DepthMs(window)});
  }
  reaches.push_back(head);
  AddDays(reaches);
  std::stable_sort(reaches.begin(), reaches.end(), [](const Reach& a, const Reach& b) {
    if (FarthestMs(a) != FarthestMs(b)) return FarthestMs(a) < FarthestMs(b);
    return a.grid.LongestMs() < b.grid.LongestMs();
  });
  return reaches;
}

// One level for each different set of grids; its reaches are its own so far.
std::vector<Level> MakeBareLevels(const std::vector<Reach>& reaches) {
  std::vector<Level> levels;
  std::vector<Grid> grids;
  for (size_t i = reaches.size(); i-- > 0;) {
    AddGrid(grids, reaches[i].grid);
    if (levels.empty() || !IsSame(grids, levels.back().grids)) levels.push_back({grids, {}, 0});
    levels.back().reaches.push_back(reaches[i]);
  }
  std::reverse(levels.begin(), levels.end());
  return levels;
}

// A grid between those of two levels: cuts of the younger only.
std::optional<Grid> GridBetween(const Level& younger, const Level& older) {
  const int64_t width_max_ms = std::min(kCellsWaitingMax * FinestMs(younger), FinestMs(older) - 1);
  for (auto width = std::rbegin(kWidthsBetweenMs); width != std::rend(kWidthsBetweenMs); ++width) {
    if (*width > width_max_ms) continue;
    const bool is_cut =
        std::any_of(younger.grids.begin(), younger.grids.end(), [&](const Grid& grid) {
          return grid.Contains({*width, nullptr});
        });
    const bool fits = !IsUniform(older) || older.grids[0].step_ms % *width == 0;
    if (is_cut && fits && *width > FinestMs(younger)) return Grid{*width, nullptr};
  }
  return std::nullopt;
}

void PutLevelsBetween(std::vector<Level>& levels) {
  for (size_t i = 0; i + 1 < levels.size(); ++i) {
    if (FinestMs(levels[i + 1]) / FinestMs(levels[i]) <= kCellsWaitingMax) continue;
    const std::optional<Grid> between = GridBetween(levels[i], levels[i + 1]);
    if (!between.has_value()) continue;
    Level level = {levels[i + 1].grids, {}, 0};
    AddGrid(level.grids, *between);
    if (IsSame(level.grids, levels[i].grids)) continue;
    levels.insert(levels.begin() + static_cast<ptrdiff_t>(i) + 1, std::move(level));
  }
}

int64_t StepMs(const Reach& reach, const Level* older) {
  const int64_t limit_ms = reach.depth_ms / kFoldsPerSpan;
  if (older == nullptr || !IsUniform(*older))
    return reach.grid.is_uniform() ? DoubledUpTo(reach.grid.step_ms, limit_ms) : kCalendarStepMs;
  const int64_t width_ms = older->grids[0].step_ms;
  if (older->reaches.empty()) return DoubledUpTo(width_ms, limit_ms);
  return DivisorUpTo(older->reaches.front().step_ms, width_ms, limit_ms);
}

// Whether a boundary of `a` is never before one of `b`.
bool IsCovered(const Reach& a, const Reach& b) {
  return a.depth_ms <= b.depth_ms && b.grid.is_uniform() && a.grid.Contains(b.grid);
}

void SetSteps(std::vector<Level>& levels) {
  for (size_t i = levels.size(); i-- > 0;) {
    std::vector<Reach> kept;
    // The deepest first.
    for (const Reach& reach : levels[i].reaches) {
      const bool is_covered = std::any_of(
          kept.begin(), kept.end(), [&](const Reach& each) { return IsCovered(reach, each); });
      if (!is_covered) kept.push_back(reach);
    }
    const Level* older = i + 1 < levels.size() ? &levels[i + 1] : nullptr;
    for (Reach& reach : kept) reach.step_ms = StepMs(reach, older);
    levels[i].reaches = std::move(kept);
  }
}

// A level's boundary is never after that of a younger one.
void Accumulate(std::vector<Level>& levels) {
  for (size_t i = 0; i < levels.size(); ++i) {
    std::vector<Reach>& reaches = levels[i].reaches;
    if (i > 0) {
      for (const Reach& younger : levels[i - 1].reaches) {
        const bool is_covered = std::any_of(reaches.begin(), reaches.end(), [&](const Reach& each) {
          return IsCovered(younger, each) && younger.step_ms <= each.step_ms &&
                 each.step_ms % younger.step_ms == 0;
        });
        if (!is_covered) reaches.push_back(younger);
      }
    }
    for (const Reach& reach : reaches)
      levels[i].depth_ms = std::max(levels[i].depth_ms, reach.depth_ms);
  }
}

}  // namespace

std::vector<Level> MakeLevels(const std::vector<Window>& windows, int64_t head_hop_ms,
                              int64_t clock_skew_ms) {
  std::vector<Level> levels = MakeBareLevels(MakeReaches(windows, head_hop_ms, clock_skew_ms));
  PutLevelsBetween(levels);
  SetSteps(levels);
  Accumulate(levels);
  FRESHET_CHECK(IsUniform(levels.front()) && levels.front().grids[0].step_ms == head_hop_ms);
  return levels;
}

size_t CellsMax(const Level* younger, const Level& level, const Level* older) {
  // From the boundary below, at its lowest, to the boundary above, at its highest.
  int64_t lowest_ms = 0;
  for (const Reach& reach : level.reaches) {
    const bool is_cut = reach.grid.is_uniform() && reach.step_ms % reach.grid.step_ms == 0;
    const bool is_cut_older =
        older == nullptr || (IsUniform(*older) && reach.step_ms % older->grids[0].step_ms == 0);
    int64_t below_ms = reach.depth_ms + reach.step_ms;
    if (!is_cut) below_ms += reach.grid.LongestMs();
    if (!is_cut_older) below_ms += FinestMs(*older);
    lowest_ms = std::max(lowest_ms, below_ms);
  }
  const int64_t span_ms = lowest_ms - (younger == nullptr ? 0 : younger->depth_ms);
  size_t cells = 0;
  for (const Grid& grid : level.grids)
    cells += static_cast<size_t>(std::max<int64_t>(0, span_ms) / grid.ShortestMs()) + 1;
  return cells;
}

}  // namespace freshet::timeline
