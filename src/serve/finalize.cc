#include "serve/finalize.h"

#include <span>
#include <string>

#include <fmt/format.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/time.h"
#include "serve/kept_values.h"
#include "store/stream_row.h"

namespace freshet::serve {
namespace {

// Why a windowed value could not be computed, and the way out.
std::string FailureReason(const StreamRead& read, timeline::ReadOutcome outcome, Type type,
                          std::string_view bytes) {
  switch (outcome) {
    case timeline::ReadOutcome::kOverflow:
      return type == Type::kInt64 || type == Type::kDecimal
                 ? fmt::format("the {} sum overflows; a sum of double(...) has no such bound",
                               TypeName(type))
                 : "the powers of the values overflow a double; scale the values down";
    case timeline::ReadOutcome::kTooMany:
      return fmt::format(
          "more than {} different categories, or {} bytes of them, are in the window; a narrower "
          "`where`, a smaller window, or most_frequent_k fits",
          limits::kCategoriesMax, limits::kCategoriesBytesMax);
    case timeline::ReadOutcome::kTruncated:
      return read.truncated_reason;
    case timeline::ReadOutcome::kTooEarly:
      return fmt::format(
          "the read time is earlier than the newest event ({}) minus the clock skew of its source "
          "({} ms); such a read can no longer be answered exactly",
          FormatRfc3339Ms(timeline::NewestEventTimeMs(bytes)),
          read.schema->options().clock_skew_ms);
    case timeline::ReadOutcome::kValue:
    case timeline::ReadOutcome::kNull:
      break;
  }
  return {};
}

void PutAbsent(const std::vector<uint32_t>& slots, uint32_t row, FeatureStatus status,
               BlockWriter& writer) {
  for (const uint32_t slot : slots) writer.PutDefault(slot, row, status);
}

// `bytes` is empty where there is no row.
void FindRow(const registry::BatchView& view, const std::vector<uint32_t>& slots,
             std::string_view bytes, int64_t now_ms, uint32_t row, FoundRows& found,
             BlockWriter& writer) {
  if (bytes.empty()) return PutAbsent(slots, row, FeatureStatus::kNotFound, writer);
  const int64_t event_time_ms = store::RowLayout::EventTimeMs(bytes);
  if (writer.has_event_times())
    for (const uint32_t slot : slots) writer.PutEventTime(slot, row, event_time_ms);
  if (view.max_age_ms.has_value() && event_time_ms < now_ms - *view.max_age_ms)
    return PutAbsent(slots, row, FeatureStatus::kOutsideMaxAge, writer);
  found.Add(row, bytes);
}

void PutColumn(uint32_t slot, const store::RowLayout& layout, uint32_t column,
               std::span<const uint32_t> rows, std::span<const char* const> begins,
               BlockWriter& writer) {
  FRESHET_CHECK(KindOf(layout.columns()[column]) == writer.slot(slot).kind);
  // By address: the library checks each index.
  const uint32_t* const row_of = rows.data();
  uint64_t* const words = writer.WordsOf(slot);
  layout.ReadColumn(begins, column, [&](size_t i, const Datum& value) {
    if (value.is_null()) {
      writer.PutDefault(slot, row_of[i], FeatureStatus::kNullValue);
    } else if (value.kind() == Datum::Kind::kString) {
      writer.PutText(slot, row_of[i], value.as_string());
    } else {
      words[row_of[i]] = BlockWriter::WordOfNumber(value);
    }
  });
}

// A single row, as most answers have, is not worth a pass for each column. `columns` are per slot.
void PutOnlyRow(const std::vector<uint32_t>& slots, const store::RowLayout& layout,
                const std::vector<uint32_t>& columns, const FoundRows& found, BlockWriter& writer) {
  const uint32_t row = found.rows().front();
  const uint32_t* const slot_of = slots.data();
  layout.ReadRow(found.OnlyRow(), columns, [&](size_t i, const Datum& value) {
    if (value.is_null()) {
      writer.PutDefault(slot_of[i], row, FeatureStatus::kNullValue);
    } else {
      writer.PutValue(slot_of[i], row, value);
    }
  });
}

// `columns` are per slot.
void PutFound(const std::vector<uint32_t>& slots, const store::RowLayout& layout,
              const std::vector<uint32_t>& columns, FoundRows& found, BlockWriter& writer) {
  const std::span<const uint32_t> rows = found.rows();
  if (rows.size() == 1) return PutOnlyRow(slots, layout, columns, found, writer);
  const std::span<const char* const> begins = found.Begins();
  for (size_t i = 0; i < slots.size(); ++i) {
    const uint32_t slot = slots[i];
    if (columns[i] == store::RowLayout::kNoColumn) {
      for (const uint32_t row : rows) writer.PutDefault(slot, row, FeatureStatus::kNullValue);
      continue;
    }
    PutColumn(slot, layout, columns[i], rows, begins, writer);
  }
}

}  // namespace

bool FinalizeTimeline(const StreamRead& read, timeline::Reader& reader, std::string_view bytes,
                      store::Note* note, int64_t now_ms, uint32_t row, BlockWriter& writer) {
  if (bytes.empty()) {
    PutAbsent(read.slots, row, FeatureStatus::kNotFound, writer);
    return false;
  }
  // The times of events are not kept.
  if (writer.has_event_times()) note = nullptr;
  if (note != nullptr && PutKept(read, *note, now_ms, row, writer)) return false;
  bool is_too_early = false;
  const std::span<const timeline::WindowedValue> values = reader.Read(bytes, now_ms);
  const uint32_t* slot_at = read.slots.data();
  for (const timeline::WindowedValue& value : values) {
    const uint32_t slot = *slot_at++;
    writer.PutEventTime(slot, row, value.newest_time_ms);
    switch (value.outcome) {
      case timeline::ReadOutcome::kValue:
        writer.PutValue(slot, row, value.value);
        break;
      case timeline::ReadOutcome::kNull:
        writer.PutDefault(slot, row, FeatureStatus::kNullValue);
        break;
      case timeline::ReadOutcome::kTooEarly:
        is_too_early = true;
        [[fallthrough]];
      case timeline::ReadOutcome::kOverflow:
      case timeline::ReadOutcome::kTooMany:
      case timeline::ReadOutcome::kTruncated:
        writer.PutFailure(
            slot, row, FailureReason(read, value.outcome, writer.slot(slot).feature->type, bytes));
        break;
    }
  }
  // Notes at most double what an entity takes in the cache.
  if (note != nullptr) Keep(read, reader.HoldsAt(bytes), row, writer, bytes.size(), note);
  return is_too_early;
}

void FindStreamRow(const StreamRead& read, std::string_view bytes, int64_t now_ms, uint32_t row,
                   FoundRows& found, BlockWriter& writer) {
  const std::string_view stored = bytes.empty() ? bytes : store::StreamRow::Row(bytes);
  const bool is_there = !stored.empty() && !store::RowLayout::IsTombstone(stored);
  FindRow(*read.view->batch(), read.slots, is_there ? stored : std::string_view(), now_ms, row,
          found, writer);
}

void FindRow(const RowRead& read, std::string_view bytes, int64_t now_ms, uint32_t row,
             FoundRows& found, BlockWriter& writer) {
  FindRow(*read.view->batch(), read.slots, bytes, now_ms, row, found, writer);
}

void FinalizeStreamRows(const StreamRead& read, FoundRows& found, BlockWriter& writer) {
  PutFound(read.slots, *read.layout, read.columns, found, writer);
}

void FinalizeRows(const RowRead& read, const GenerationView& generation, FoundRows& found,
                  BlockWriter& writer) {
  PutFound(read.slots, *generation.layout, generation.columns, found, writer);
}

}  // namespace freshet::serve
