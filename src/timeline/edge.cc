#include "timeline/edge.h"

#include <algorithm>

#include "base/limits.h"
#include "base/time.h"

namespace freshet::timeline {

int64_t SeenUntilMs(const Edge& edge) {
  return std::min(edge.frame.last_ms, limits::kEventTimeMsMax + limits::kWindowMsMax + 1);
}

void EdgeCutter::Cut(Edge* edge) const {
  edge->head = {};
  edge->tail = {};
  edge->is_own = false;
  edge->oldest_ms = Layout::kNever;
  const Window* window = edge->window ? &schema_.windows()[*edge->window] : nullptr;
  if (window != nullptr && window->kind == WindowKind::kLastEvents)
    return FindLastEvents(*window, edge);
  // Cells that were truncated need not have been of the session.
  const bool is_session = window != nullptr && window->kind == WindowKind::kSession;
  if (is_session) edge->truncated = false;
  if (schema_.options().exact_head) CutHead(edge);
  if (is_session) return FindSession(*window, edge);
  if (window != nullptr && window->exact && !edge->is_own) CutTail(edge);
  edge->newest_ms = NewestMs(*edge);
}

// The newest cell may hold events that are not seen yet.
void EdgeCutter::CutHead(Edge* edge) const {
  if (edge->end.index == layout_.CellsBegin(bytes_).index) return;
  const Position cut = CellBefore(edge->end);
  const char* cell = bytes_.data() + cut.offset;
  const Frame& frame = edge->frame;
  if (Layout::CellNewestMs(cell) <= frame.last_ms) return;
  const int64_t start_ms = Layout::StartMs(cell);
  edge->end = cut;
  if (edge->begin.index > cut.index) edge->begin = cut;
  // Only cells that were cut by other rules of a zone are wider than a window.
  edge->is_own = frame.begin_ms > start_ms;
  edge->head = Run(std::max(start_ms, frame.begin_ms), frame.last_ms, edge);
}

// The cell before the oldest whole one may hold events that are inside still.
void EdgeCutter::CutTail(Edge* edge) const {
  if (edge->begin.index == layout_.CellsBegin(bytes_).index) return;
  const char* cell = bytes_.data() + CellBefore(edge->begin).offset;
  if (Layout::CellNewestMs(cell) < edge->frame.begin_ms) return;
  int64_t last_ms = SeenUntilMs(*edge);
  if (edge->begin.offset < layout_.CellsEnd(bytes_))
    last_ms = std::min(last_ms, Layout::StartMs(bytes_.data() + edge->begin.offset) - 1);
  edge->tail = Run(edge->frame.begin_ms, last_ms, edge);
}

void EdgeCutter::FindSession(const Window& window, Edge* edge) const {
  const int64_t gap_ms = window.window_ms;
  const Position cells_begin = layout_.CellsBegin(bytes_);
  edge->is_own = true;
  edge->begin = edge->end;
  edge->newest_ms = NewestMs(*edge);
  if (edge->newest_ms == Layout::kNever && edge->end.index > cells_begin.index)
    edge->newest_ms = Layout::CellNewestMs(bytes_.data() + CellBefore(edge->end).offset);

  // What was truncated may belong to the session, were it the newest that is left.
  const int64_t truncated_before_ms = Layout::TruncatedBeforeMs(bytes_);
  const bool may_lack = truncated_before_ms != Layout::kNever;
  const int64_t seen_until_ms = SeenUntilMs(*edge);
  if (edge->newest_ms == Layout::kNever || seen_until_ms - edge->newest_ms > gap_ms) {
    edge->head = {};
    edge->newest_ms = Layout::kNever;
    edge->truncated =
        edge->truncated || (may_lack && seen_until_ms - (truncated_before_ms - 1) <= gap_ms);
    return;
  }
  int64_t oldest_ms =
      edge->head.is_empty() ? edge->newest_ms : RecentEvents::TimeMs(bytes_, edge->head.begin);
  while (edge->begin.index > cells_begin.index) {
    const Position before = CellBefore(edge->begin);
    const char* cell = bytes_.data() + before.offset;
    if (oldest_ms - Layout::CellNewestMs(cell) > gap_ms) break;
    edge->begin = before;
    oldest_ms = Layout::CellOldestMs(cell);
  }
  edge->oldest_ms = oldest_ms;
  edge->truncated = edge->truncated || oldest_ms < edge->frame.begin_ms ||
                    (may_lack && oldest_ms - (truncated_before_ms - 1) <= gap_ms);
}

void EdgeCutter::FindLastEvents(const Window& window, Edge* edge) const {
  edge->is_own = true;
  edge->begin = edge->end = layout_.AllBegin(bytes_);
  int64_t last_ms = SeenUntilMs(*edge);
  if (!schema_.options().exact_head)
    last_ms = AlignDown(last_ms, layout_.HeadHopMs()) + layout_.HeadHopMs() - 1;
  edge->head = recent_.Between(bytes_, std::nullopt, last_ms);
  for (edge->head.begin = edge->head.end;
       edge->head.begin.index > 0 && edge->head.end.index - edge->head.begin.index < window.events;)
    edge->head.begin = recent_.Before(bytes_, edge->head.begin);
  if (!edge->head.is_empty()) edge->oldest_ms = RecentEvents::TimeMs(bytes_, edge->head.begin);
  edge->truncated = edge->head.end.index - edge->head.begin.index < window.events &&
                    Tail::Lost(bytes_).time_ms != Layout::kNever;
  edge->newest_ms = NewestMs(*edge);
}

RecentRun EdgeCutter::Run(int64_t begin_ms, int64_t last_ms, Edge* edge) const {
  edge->truncated = edge->truncated || Tail::Lost(bytes_).time_ms >= begin_ms;
  return recent_.Between(bytes_, begin_ms, last_ms);
}

int64_t EdgeCutter::NewestMs(const Edge& edge) const {
  if (!edge.head.is_empty())
    return RecentEvents::TimeMs(bytes_, recent_.Before(bytes_, edge.head.end));
  if (edge.begin.index < edge.end.index)
    return Layout::CellNewestMs(bytes_.data() + CellBefore(edge.end).offset);
  if (!edge.tail.is_empty())
    return RecentEvents::TimeMs(bytes_, recent_.Before(bytes_, edge.tail.end));
  return Layout::kNever;
}

Position EdgeCutter::CellBefore(Position at) const {
  return {at.offset - layout_.CellBytesBefore(bytes_.data() + at.offset), at.index - 1};
}

}  // namespace freshet::timeline
