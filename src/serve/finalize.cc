#include "serve/finalize.h"

#include <span>
#include <string>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/time.h"
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

// `columns` are per slot; `bytes` is empty where there is no row.
inline void PutRow(const registry::BatchView& view, const std::vector<uint32_t>& slots,
                   const store::RowLayout& layout, const std::vector<uint32_t>& columns,
                   std::string_view bytes, int64_t now_ms, uint32_t row, BlockWriter& writer) {
  if (bytes.empty()) {
    for (uint32_t slot : slots) writer.PutDefault(slot, row, FeatureStatus::kNotFound);
    return;
  }
  const int64_t event_time_ms = store::RowLayout::EventTimeMs(bytes);
  const bool is_too_old = view.max_age_ms.has_value() && event_time_ms < now_ms - *view.max_age_ms;
  // By address: an answer reads thousands of columns, and the library checks each index.
  const uint32_t* column_at = columns.data();
  for (const uint32_t slot : slots) {
    writer.PutEventTime(slot, row, event_time_ms);
    const uint32_t column = *column_at++;
    if (is_too_old) {
      writer.PutDefault(slot, row, FeatureStatus::kOutsideMaxAge);
    } else if (column == GenerationView::kMissing) {
      writer.PutDefault(slot, row, FeatureStatus::kNullValue);
    } else if (const Datum value = layout.Read(bytes, column); value.is_null()) {
      writer.PutDefault(slot, row, FeatureStatus::kNullValue);
    } else {
      writer.PutValue(slot, row, value);
    }
  }
}

}  // namespace

bool FinalizeTimeline(const StreamRead& read, timeline::Reader& reader, std::string_view bytes,
                      int64_t now_ms, uint32_t row, BlockWriter& writer) {
  if (bytes.empty()) {
    for (uint32_t slot : read.slots) writer.PutDefault(slot, row, FeatureStatus::kNotFound);
    return false;
  }
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
  return is_too_early;
}

void FinalizeStreamRow(const StreamRead& read, std::string_view bytes, int64_t now_ms, uint32_t row,
                       BlockWriter& writer) {
  const std::string_view stored = bytes.empty() ? bytes : store::StreamRow::Row(bytes);
  const bool is_there = !stored.empty() && !store::RowLayout::IsTombstone(stored);
  PutRow(*read.view->batch(), read.slots, *read.layout, read.columns,
         is_there ? stored : std::string_view(), now_ms, row, writer);
}

void FinalizeRow(const RowRead& read, const GenerationView& generation, std::string_view bytes,
                 int64_t now_ms, uint32_t row, BlockWriter& writer) {
  PutRow(*read.view->batch(), read.slots, *generation.layout, generation.columns, bytes, now_ms,
         row, writer);
}

}  // namespace freshet::serve
