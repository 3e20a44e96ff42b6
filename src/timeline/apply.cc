#include "base/check.h"
#include "base/limits.h"
#include "timeline/cell_writer.h"
#include "timeline/folder.h"
#include "timeline/layout.h"
#include "timeline/recent_events.h"
#include "timeline/seen_identities.h"
#include "timeline/timeline.h"

namespace freshet::timeline {
namespace {

void CheckEvent(const Schema& schema, const Event& event) {
  FRESHET_CHECK(event.values.size() == schema.aggregations().size());
  FRESHET_CHECK(event.admitted.size() == schema.aggregations().size());
  FRESHET_CHECK(event.by.empty() || event.by.size() == schema.aggregations().size());
  FRESHET_CHECK(event.order.time_ms >= limits::kEventTimeMsMin);
  FRESHET_CHECK(event.order.time_ms <= limits::kEventTimeMsMax);
}

// The common case: the event belongs in the newest cell, and no cell has to fold for it.
bool ApplyToNewestCell(const Schema& schema, const Event& event, std::string& bytes) {
  const Layout layout(schema);
  const int64_t time_ms = event.order.time_ms;
  const size_t cells_end = layout.CellsEnd(bytes);
  if (cells_end == layout.AllBegin(bytes).offset || time_ms >= Layout::FoldAtMs(bytes))
    return false;
  const size_t offset = cells_end - layout.CellBytesBefore(bytes.data() + cells_end);
  const int64_t start_ms = Layout::StartMs(bytes.data() + offset);
  if (time_ms < start_ms || time_ms >= start_ms + layout.HeadHopMs()) return false;
  if (time_ms > Layout::NewestMs(bytes)) Layout::SetNewestMs(bytes, time_ms);
  CellWriter(schema).Update(bytes, offset, event);
  return true;
}

// Before all cells: only the lifetime remembers such an event.
void ApplyToLifetime(const Schema& schema, const Event& event, std::string& bytes) {
  Folder(schema).EnsureLifetimeCell(bytes);
  CellWriter(schema).Update(bytes, Layout(schema).AllBegin(bytes).offset, event);
}

// The first cell that starts at or after `start_ms`; `end` when there is none, which is looked for first: most events are the newest.
Position PlaceOf(const Layout& layout, std::string_view bytes, Position end, int64_t start_ms) {
  const Position begin = layout.CellsBegin(bytes);
  if (end.index == begin.index) return end;
  const size_t newest = end.offset - layout.CellBytesBefore(bytes.data() + end.offset);
  if (Layout::StartMs(bytes.data() + newest) < start_ms) return end;
  return layout.LowerBound(bytes, begin, end, start_ms);
}

void ApplyToCell(const Schema& schema, const Event& event, int64_t start_ms, std::string& bytes) {
  const Layout layout(schema);
  const CellWriter writer(schema);
  const Position end = layout.End(bytes);
  const Position at = PlaceOf(layout, bytes, end, start_ms);
  if (at.index == end.index || Layout::StartMs(bytes.data() + at.offset) != start_ms) {
    writer.Insert(bytes, at.offset, start_ms);
    Layout::SetCells(bytes, Layout::Cells(bytes) + 1);
  }
  writer.Update(bytes, at.offset, event);
}

ApplyOutcome ApplyAnywhere(const Schema& schema, const Event& event, std::string& bytes) {
  const Layout layout(schema);
  const int64_t time_ms = event.order.time_ms;
  const bool has_lifetime = schema.options().has_lifetime;
  if (bytes.empty()) bytes = layout.Empty(time_ms);
  if (time_ms > Layout::NewestMs(bytes)) Folder(schema).Advance(bytes, time_ms);

  const size_t level = layout.LevelOf(time_ms, Layout::NewestMs(bytes));
  const bool too_old = level == layout.Levels();
  const bool truncated = !too_old && time_ms < Layout::TruncatedBeforeMs(bytes);
  if (!too_old && !truncated)
    ApplyToCell(schema, event, layout.CellStartMs(level, time_ms), bytes);
  else if (has_lifetime)
    ApplyToLifetime(schema, event, bytes);
  if (too_old) return has_lifetime ? ApplyOutcome::kApplied : ApplyOutcome::kTooOld;
  return truncated ? ApplyOutcome::kTruncated : ApplyOutcome::kApplied;
}

}  // namespace

ApplyOutcome Apply(const Schema& schema, const Event& event, std::string& bytes) {
  CheckEvent(schema, event);
  if (schema.has_tail() && !bytes.empty() && SeenIdentities(schema).Knows(bytes, event))
    return ApplyOutcome::kRepeated;
  const int64_t old_newest_ms = bytes.empty() ? event.order.time_ms : Layout::NewestMs(bytes);
  ApplyOutcome outcome = ApplyOutcome::kApplied;
  if (bytes.empty() || !ApplyToNewestCell(schema, event, bytes))
    outcome = ApplyAnywhere(schema, event, bytes);
  if (schema.has_tail()) {
    SeenIdentities(schema).Add(bytes, event, old_newest_ms);
    const bool is_kept = RecentEvents(schema).Add(bytes, event);
    if (is_kept && outcome == ApplyOutcome::kTooOld) outcome = ApplyOutcome::kApplied;
  }
  if (Folder(schema).EnforceLimits(bytes) && event.order.time_ms < Layout::TruncatedBeforeMs(bytes))
    return ApplyOutcome::kTruncated;
  return outcome;
}

int64_t NewestEventTimeMs(std::string_view bytes) {
  FRESHET_CHECK(bytes.size() >= Layout::kHeaderBytes);
  return Layout::NewestMs(bytes);
}

}  // namespace freshet::timeline
