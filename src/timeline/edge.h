// Where one window of a read ends towards the past and the future, in cells and in single events.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "timeline/layout.h"
#include "timeline/recent_events.h"
#include "timeline/window.h"

namespace freshet::timeline {

// What is inside of a window: the cells of [begin, end), and of cells that the window cuts the
// events inside one by one.
struct Edge {
  std::optional<uint32_t> window;  // none: the lifetime
  Grid grid;
  Frame frame{};
  Position begin{};
  Position end{};
  RecentRun head;  // newer than the cells
  RecentRun tail;  // older
  // Whether cells and events are shared with no other window: the value is put together alone.
  bool is_own = false;
  bool truncated = false;
  int64_t newest_ms = Layout::kNever;
  int64_t oldest_ms = Layout::kNever;  // found only where the window follows events
};

// The last moment of a window, or the end of time as far as events and gaps can tell, for what is computed
// with it.
int64_t SeenUntilMs(const Edge& edge);

// Cuts edges that were found for whole cells where their windows cut through cells, or hang on
// events. Does nothing to the others.
class EdgeCutter {
 public:
  // `bytes` must be valid for the schema; both must outlive the cutter.
  EdgeCutter(const Schema& schema, std::string_view bytes)
      : schema_(schema), layout_(schema), recent_(schema), bytes_(bytes) {}

  static bool IsNeeded(const Schema& schema) {
    return schema.has_recent_events() || schema.has_sessions();
  }
  void Cut(Edge* edge) const;

 private:
  void CutHead(Edge* edge) const;
  void CutTail(Edge* edge) const;
  void FindSession(const Window& window, Edge* edge) const;
  void FindLastEvents(const Window& window, Edge* edge) const;
  RecentRun Run(int64_t begin_ms, int64_t last_ms, Edge* edge) const;
  int64_t NewestMs(const Edge& edge) const;
  Position CellBefore(Position at) const;

  const Schema& schema_;
  const Layout layout_;
  const RecentEvents recent_;
  const std::string_view bytes_;
};

}  // namespace freshet::timeline
