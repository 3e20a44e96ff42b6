#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "timeline/layout.h"
#include "timeline/recent_events.h"
#include "timeline/seen_identities.h"
#include "timeline/timeline.h"

namespace freshet::timeline {
namespace {

Status Corrupt(std::string_view what) {
  return Status::Corruption(fmt::format("stored timeline: {}", what));
}

Status CorruptCell(size_t offset, std::string_view what) {
  return Status::Corruption(fmt::format("stored timeline: cell at byte {}: {}", offset, what));
}

bool IsEventTime(int64_t time_ms) {
  return time_ms >= limits::kEventTimeMsMin && time_ms <= limits::kEventTimeMsMax;
}

bool HasCalendar(const Schema& schema) {
  return std::any_of(schema.windows().begin(), schema.windows().end(),
                     [](const Window& window) { return window.kind == WindowKind::kCalendar; });
}

// Takes bytes that may be anything, from front to back; nothing is read before it is known to be
// there.
class Validator {
 public:
  Validator(const Schema& schema, std::string_view bytes)
      : schema_(schema), layout_(schema), bytes_(bytes), cuts_may_move_(HasCalendar(schema)) {}

  Status Validate() {
    FRESHET_RETURN_IF_ERROR(CheckHeader());
    cells_end_ = layout_.CellsEnd(bytes_);
    newest_ms_ = Layout::NewestMs(bytes_);
    truncated_before_ms_ = Layout::TruncatedBeforeMs(bytes_);
    FRESHET_RETURN_IF_ERROR(CheckTimes());
    horizon_ms_ = layout_.HorizonMs(newest_ms_);
    FRESHET_RETURN_IF_ERROR(CheckTruncation());

    size_t offset = layout_.AllBegin(bytes_).offset;
    if (Layout::HasLifetimeCell(bytes_)) {
      FRESHET_RETURN_IF_ERROR(CheckCellBytes(offset, cells_end_));
      FRESHET_RETURN_IF_ERROR(CheckLifetimeTimes(offset));
      offset += layout_.CellBytes(bytes_.data() + offset);
    }
    if (cells_end_ - offset > limits::kTimelineBytesMax) return Corrupt("its cells are too large");
    FRESHET_RETURN_IF_ERROR(CheckCells(offset));
    if (!layout_.HasTail()) return Status::Ok();
    FRESHET_RETURN_IF_ERROR(CheckRecent());
    return CheckSeen();
  }

 private:
  Status CheckHeader() const {
    if (bytes_.size() < Layout::kHeaderBytes)
      return Corrupt(fmt::format("{} bytes are less than a header", bytes_.size()));
    if (Layout::Kind(bytes_) != Layout::kKind) return Corrupt("these bytes are of another kind");
    if (Layout::Version(bytes_) != layout_.ExpectedVersion())
      return Corrupt(fmt::format("its version is {}, where this build has {} for such a table",
                                 Layout::Version(bytes_), layout_.ExpectedVersion()));
    if (layout_.HasTail()) FRESHET_RETURN_IF_ERROR(CheckTailSizes());
    if ((Layout::Flags(bytes_) & ~Layout::kFlagLifetimeCell) != 0) return Corrupt("unknown flags");
    if (Layout::HasLifetimeCell(bytes_) && !schema_.options().has_lifetime)
      return Corrupt("a lifetime cell in a table that keeps no lifetime");
    return Status::Ok();
  }

  Status CheckTimes() const {
    if (!IsEventTime(newest_ms_)) return Corrupt("its newest event time is out of range");
    if (Layout::FoldAtMs(bytes_) != layout_.NextFoldMs(newest_ms_))
      return Corrupt("the time of its next fold does not follow from its newest event time");
    return Status::Ok();
  }

  Status CheckTruncation() const {
    if (!IsTruncated()) return Status::Ok();
    const int64_t head_hop_ms = layout_.HeadHopMs();
    const bool in_range = (cuts_may_move_ || truncated_before_ms_ > horizon_ms_) &&
                          truncated_before_ms_ > limits::kEventTimeMsMin &&
                          truncated_before_ms_ <= AlignDown(newest_ms_, head_hop_ms) + head_hop_ms;
    if (!in_range || truncated_before_ms_ % head_hop_ms != 0)
      return Corrupt("the time before which it is truncated cannot be the end of a cell");
    return Status::Ok();
  }

  Status CheckTailSizes() const {
    if (bytes_.size() < Layout::kHeaderBytes + Tail::kEndBytes ||
        bytes_.size() - Layout::kHeaderBytes <
            Tail::RecentBytes(bytes_) + Tail::BytesBehindCells(bytes_))
      return Corrupt("what it keeps of single events is cut off");
    if (Tail::RecentCount(bytes_) > schema_.options().recent_events_max ||
        Tail::RecentBytes(bytes_) > limits::kRecentBytesMax ||
        Tail::SeenCount(bytes_) > limits::kSeenIdentitiesMax)
      return Corrupt("what it keeps of single events is too large");
    return Status::Ok();
  }

  // `end`: where the next thing begins.
  Status CheckCellBytes(size_t offset, size_t end) const {
    const size_t rest = end - offset;
    if (rest < layout_.CellFixedBytes()) return CorruptCell(offset, "it is cut off");
    const char* cell = bytes_.data() + offset;
    uint32_t slot_end = 0;
    for (const uint32_t aggregation : layout_.VariableSlots()) {
      if (layout_.SlotEnd(cell, aggregation) < slot_end)
        return CorruptCell(offset, "a slot ends before it begins");
      slot_end = layout_.SlotEnd(cell, aggregation);
    }
    if (rest - layout_.CellFixedBytes() < slot_end) return CorruptCell(offset, "it is cut off");
    const size_t cell_bytes = layout_.CellBytes(cell);
    if (layout_.CellBytesBefore(cell + cell_bytes) != cell_bytes)
      return CorruptCell(offset, "its length is not what its slots say");
    return CheckSlots(offset);
  }

  Status CheckSlots(size_t offset) const {
    const char* cell = bytes_.data() + offset;
    size_t ordinal = 0;
    for (size_t i = 0; i < schema_.aggregations().size(); ++i) {
      const aggregate::Aggregate& function = *schema_.aggregations()[i];
      const std::string_view slot =
          function.size_bytes != 0
              ? std::string_view(cell + layout_.SlotOffset(i), function.size_bytes)
              : layout_.VariableSlot(cell, ordinal++);
      if (!function.is_valid(slot, function.parameters))
        return CorruptCell(offset, fmt::format("slot {} is not a state of {}", i, function.name));
    }
    return Status::Ok();
  }

  // All in order, and none of them lost.
  Status CheckRecent() const {
    const RecentEvents recent(schema_);
    if (!schema_.has_recent_events() && Tail::RecentCount(bytes_) > 0)
      return Corrupt("single events in a table that keeps none");
    const size_t end = layout_.AllBegin(bytes_).offset;
    aggregate::EventOrder last = Tail::Lost(bytes_);
    const bool is_none = last == aggregate::EventOrder{Layout::kNever, 0, 0};
    if (!is_none &&
        (!schema_.has_recent_events() || !IsEventTime(last.time_ms) || last.time_ms > newest_ms_))
      return Corrupt("the newest event that it keeps no more cannot be one");
    Position at = RecentEvents::Begin();
    while (at.offset < end) {
      if (end - at.offset < Tail::kRecentHeaderBytes)
        return CorruptCell(at.offset, "it is cut off");
      FRESHET_RETURN_IF_ERROR(CheckCellBytes(at.offset + Tail::kRecentHeaderBytes, end));
      const char* cell = RecentEvents::CellAt(bytes_, at);
      const int64_t time_ms = Layout::StartMs(cell);
      const bool is_one_time = Layout::CellNewestMs(cell) == time_ms &&
                               (!layout_.HasOldest() || Layout::CellOldestMs(cell) == time_ms);
      if (!is_one_time || !IsEventTime(time_ms) || time_ms > newest_ms_ ||
          RecentEvents::OrderAt(bytes_, at) < last)
        return CorruptCell(at.offset, "a single event is out of order");
      last = RecentEvents::OrderAt(bytes_, at);
      at = recent.Next(bytes_, at);
    }
    if (at.index != Tail::RecentCount(bytes_))
      return Corrupt("there are not as many single events as their number says");
    return Status::Ok();
  }

  Status CheckSeen() const {
    const uint32_t count = Tail::SeenCount(bytes_);
    if (schema_.options().deduplicate_ms == 0 && count > 0)
      return Corrupt("identities in a table that keeps none");
    for (uint32_t i = 0; i < count; ++i) {
      const int64_t time_ms = SeenIdentities::TimeMs(bytes_, i);
      if (!IsEventTime(time_ms) || time_ms > newest_ms_)
        return Corrupt("the time of an identity is out of range");
      if (i > 0 &&
          SeenIdentities::IdentityAt(bytes_, i) <= SeenIdentities::IdentityAt(bytes_, i - 1))
        return Corrupt("identities are out of order");
    }
    return Status::Ok();
  }

  // Of what came before the cells of the windows, be it old or truncated.
  Status CheckLifetimeTimes(size_t offset) const {
    const char* cell = bytes_.data() + offset;
    if (Layout::StartMs(cell) != Layout::kNever) return CorruptCell(offset, "no lifetime cell");
    const int64_t cell_newest_ms = Layout::CellNewestMs(cell);
    if (!IsEventTime(cell_newest_ms) || cell_newest_ms > newest_ms_ ||
        !IsOldestSound(cell, limits::kEventTimeMsMin) ||
        (!cuts_may_move_ && cell_newest_ms >= std::max(horizon_ms_, truncated_before_ms_)))
      return CorruptCell(offset, "its newest event time is out of range");
    return Status::Ok();
  }

  Status CheckCells(size_t offset) const {
    int64_t free_from_ms =
        cuts_may_move_ ? limits::kEventTimeMsMin - limits::kWindowMsMax : horizon_ms_;
    int64_t last_newest_ms = Layout::kNever;
    int64_t last_start_ms = Layout::kNever;
    uint32_t cells = 0;
    for (; offset < cells_end_; ++cells) {
      FRESHET_RETURN_IF_ERROR(CheckCellBytes(offset, cells_end_));
      FRESHET_RETURN_IF_ERROR(CheckCellTimes(offset, &free_from_ms));
      last_newest_ms = Layout::CellNewestMs(bytes_.data() + offset);
      last_start_ms = Layout::StartMs(bytes_.data() + offset);
      offset += layout_.CellBytes(bytes_.data() + offset);
    }
    if (cells != Layout::Cells(bytes_) || cells > schema_.options().cells_max)
      return Corrupt(fmt::format("{} cells where the header says {} and at most {} are allowed",
                                 cells, Layout::Cells(bytes_), schema_.options().cells_max));
    if (last_newest_ms != newest_ms_ && !(cells == 0 && truncated_before_ms_ > newest_ms_))
      return Corrupt("its newest event is in no cell");
    // Whatever a zone's rules were: the youngest cells are cut at the head hop alone.
    if (cells > 0 && last_start_ms != layout_.CellStartMs(0, newest_ms_))
      return Corrupt("its newest cell is not where the newest event is");
    return Status::Ok();
  }

  // A cell begins at or after `free_from_ms`, which moves to its end, or to where the next may begin.
  Status CheckCellTimes(size_t offset, int64_t* free_from_ms) const {
    const char* cell = bytes_.data() + offset;
    const int64_t start_ms = Layout::StartMs(cell);
    const int64_t cell_newest_ms = Layout::CellNewestMs(cell);
    if (start_ms < *free_from_ms || start_ms > newest_ms_)
      return CorruptCell(offset, "its start is out of order");
    if (cell_newest_ms < start_ms || cell_newest_ms > newest_ms_ || !IsEventTime(cell_newest_ms))
      return CorruptCell(offset, "its newest event time is outside of it");
    if (!IsOldestSound(cell, start_ms))
      return CorruptCell(offset, "its oldest event time is outside of it");
    *free_from_ms = start_ms + 1;
    if (cuts_may_move_) return Status::Ok();
    const size_t level = layout_.LevelOf(start_ms, newest_ms_);
    if (layout_.CellStartMs(level, start_ms) != start_ms)
      return CorruptCell(offset, "its start is not where a cell can be cut");
    const int64_t end_ms = layout_.CellEndMs(level, start_ms);
    if (cell_newest_ms < truncated_before_ms_ || cell_newest_ms >= end_ms)
      return CorruptCell(offset, "its newest event time is outside of it");
    *free_from_ms = end_ms;
    return Status::Ok();
  }

  bool IsOldestSound(const char* cell, int64_t start_ms) const {
    if (!layout_.HasOldest()) return true;
    const int64_t oldest_ms = Layout::CellOldestMs(cell);
    return IsEventTime(oldest_ms) && oldest_ms >= start_ms &&
           oldest_ms <= Layout::CellNewestMs(cell);
  }

  bool IsTruncated() const { return truncated_before_ms_ != Layout::kNever; }

  const Schema& schema_;
  const Layout layout_;
  const std::string_view bytes_;
  // The rules of a time zone may have been others when the cells were cut. Apply and Read need no more than that cells
  // are in order.
  const bool cuts_may_move_;
  size_t cells_end_ = 0;
  int64_t newest_ms_ = 0;
  int64_t truncated_before_ms_ = Layout::kNever;
  int64_t horizon_ms_ = 0;
};

}  // namespace

Status Validate(const Schema& schema, std::string_view bytes) {
  return Validator(schema, bytes).Validate();
}

}  // namespace freshet::timeline
