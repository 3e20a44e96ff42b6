#include "serve/finalize.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "aggregate/packed_list.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/time.h"
#include "store/stream_row.h"

namespace freshet::serve {
namespace {

// Until the column is finished, a list stands packed among the texts.
inline void SetAt(SlotWriter& writer, uint32_t row, const Datum& value) {
  FRESHET_CHECK(value.kind() == writer.kind);
  switch (value.kind()) {
    case Datum::Kind::kNull:
      break;
    case Datum::Kind::kBool:
      writer.integers[row] = value.as_bool() ? 1 : 0;
      break;
    case Datum::Kind::kInt:
      writer.integers[row] = value.as_int();
      break;
    case Datum::Kind::kDouble:
      writer.numbers[row] = value.as_double();
      break;
    case Datum::Kind::kString:
      writer.texts[row].assign(value.as_string());
      break;
  }
}

inline void SetEventTime(SlotWriter& writer, uint32_t row, int64_t event_time_ms) {
  if (writer.event_times_ms != nullptr) writer.event_times_ms[row] = event_time_ms;
}

Datum Zero(Type type) {
  switch (KindOf(type)) {
    case Datum::Kind::kBool:
      return Datum::Bool(false);
    case Datum::Kind::kDouble:
      return Datum::Double(0);
    case Datum::Kind::kString:
      return Datum::String({});
    default:
      return Datum::Int(0);
  }
}

void UnpackLists(Column& column, std::vector<std::string>& packed) {
  packed.swap(column.texts);
  column.texts.clear();
  column.lengths.clear();
  for (const std::string& list : packed) {
    uint32_t length = 0;
    for (std::string_view rest = list; !rest.empty(); ++length)
      FRESHET_CHECK(AppendTo(column, aggregate::TakePacked(column.type, rest)));
    column.lengths.push_back(length);
  }
}

void SetStatus(SlotWriter& writer, uint32_t row, FeatureStatus status) {
  writer.statuses[row] = status;
  ++writer.absent;
}

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

void KeepReason(SlotWriter& writer, uint32_t row, std::string reason) {
  std::vector<FeatureFailure>& failures = writer.column->failures;
  if (failures.size() < limits::kFailureReasonsMax) failures.push_back({row, std::move(reason)});
}

// `columns` are per slot; `bytes` is empty where there is no row.
inline void PutRow(const registry::BatchView& view, const std::vector<uint32_t>& slots,
                   const store::RowLayout& layout, const std::vector<uint32_t>& columns,
                   std::string_view bytes, int64_t now_ms, uint32_t row,
                   std::span<SlotWriter> writers) {
  if (bytes.empty()) {
    for (uint32_t slot : slots) PutDefault(writers[slot], row, FeatureStatus::kNotFound);
    return;
  }
  const int64_t event_time_ms = store::RowLayout::EventTimeMs(bytes);
  const bool is_too_old = view.max_age_ms.has_value() && event_time_ms < now_ms - *view.max_age_ms;
  for (size_t i = 0; i < slots.size(); ++i) {
    SlotWriter& writer = writers[slots[i]];
    SetEventTime(writer, row, event_time_ms);
    const uint32_t column = columns[i];
    if (is_too_old) {
      PutDefault(writer, row, FeatureStatus::kOutsideMaxAge);
    } else if (column == GenerationView::kMissing) {
      PutDefault(writer, row, FeatureStatus::kNullValue);
    } else if (const Datum value = layout.Read(bytes, column); value.is_null()) {
      PutDefault(writer, row, FeatureStatus::kNullValue);
    } else {
      SetAt(writer, row, value);
    }
  }
}

}  // namespace

void Begin(SlotWriter& writer, uint32_t row_count, bool with_event_times) {
  FeatureColumn& column = *writer.column;
  column.values.type = writer.slot->feature->type;
  column.values.is_list = writer.slot->feature->is_list;
  const Datum::Kind kind =
      column.values.is_list ? Datum::Kind::kString : KindOf(column.values.type);
  const auto data_or_null = [](auto& part) { return part.empty() ? nullptr : part.data(); };
  column.values.lengths.clear();
  column.values.integers.resize(kind == Datum::Kind::kInt || kind == Datum::Kind::kBool ? row_count
                                                                                        : 0);
  column.values.numbers.resize(kind == Datum::Kind::kDouble ? row_count : 0);
  column.values.texts.resize(kind == Datum::Kind::kString ? row_count : 0);
  column.statuses.assign(row_count, FeatureStatus::kPresent);
  column.event_times_ms.assign(with_event_times ? row_count : 0, kNoEventTimeMs);
  column.failures.clear();
  writer.integers = data_or_null(column.values.integers);
  writer.numbers = data_or_null(column.values.numbers);
  writer.texts = data_or_null(column.values.texts);
  writer.event_times_ms = data_or_null(column.event_times_ms);
  writer.statuses = column.statuses.data();
  writer.absent = 0;
  writer.kind = kind;
}

void Finish(SlotWriter& writer) {
  FeatureColumn& column = *writer.column;
  if (writer.absent == 0) column.statuses.clear();
  if (column.values.is_list) {
    static thread_local std::vector<std::string> packed;
    UnpackLists(column.values, packed);
  }
  std::sort(column.failures.begin(), column.failures.end(),
            [](const FeatureFailure& a, const FeatureFailure& b) { return a.row < b.row; });
}

void PutValue(SlotWriter& writer, uint32_t row, const Datum& value) {
  SetAt(writer, row, value);
}

void PutDefault(SlotWriter& writer, uint32_t row, FeatureStatus status) {
  SetAt(writer, row, writer.slot->default_value);
  SetStatus(writer, row, status);
}

void PutZero(SlotWriter& writer, uint32_t row, FeatureStatus status) {
  SetAt(writer, row,
        writer.kind == Datum::Kind::kString ? Datum::String({}) : Zero(writer.column->values.type));
  SetStatus(writer, row, status);
}

void PutFailure(SlotWriter& writer, uint32_t row, std::string reason) {
  PutDefault(writer, row, FeatureStatus::kFailed);
  KeepReason(writer, row, std::move(reason));
}

void PutEventTime(SlotWriter& writer, uint32_t row, int64_t event_time_ms) {
  SetEventTime(writer, row, event_time_ms);
}

void RepeatFirstRow(SlotWriter& writer, const KeyRun& run) {
  FeatureColumn& column = *writer.column;
  const FeatureStatus status = column.statuses[run.first_row];
  std::string reason;
  if (status == FeatureStatus::kFailed) {
    const auto failure =
        std::find_if(column.failures.rbegin(), column.failures.rend(),
                     [&](const FeatureFailure& other) { return other.row == run.first_row; });
    if (failure != column.failures.rend()) reason = failure->reason;
  }
  for (uint32_t row = run.first_row + 1; row < run.first_row + run.row_count; ++row) {
    if (!column.values.integers.empty())
      column.values.integers[row] = column.values.integers[run.first_row];
    if (!column.values.numbers.empty())
      column.values.numbers[row] = column.values.numbers[run.first_row];
    if (!column.values.texts.empty()) column.values.texts[row] = column.values.texts[run.first_row];
    if (!column.event_times_ms.empty())
      column.event_times_ms[row] = column.event_times_ms[run.first_row];
    if (status == FeatureStatus::kPresent) continue;
    SetStatus(writer, row, status);
    if (status == FeatureStatus::kFailed && !reason.empty()) KeepReason(writer, row, reason);
  }
}

bool FinalizeTimeline(const StreamRead& read, timeline::Reader& reader, std::string_view bytes,
                      int64_t now_ms, uint32_t row, std::span<SlotWriter> writers) {
  if (bytes.empty()) {
    for (uint32_t slot : read.slots) PutDefault(writers[slot], row, FeatureStatus::kNotFound);
    return false;
  }
  bool is_too_early = false;
  const std::span<const timeline::WindowedValue> values = reader.Read(bytes, now_ms);
  for (size_t i = 0; i < values.size(); ++i) {
    SlotWriter& writer = writers[read.slots[i]];
    SetEventTime(writer, row, values[i].newest_time_ms);
    switch (values[i].outcome) {
      case timeline::ReadOutcome::kValue:
        SetAt(writer, row, values[i].value);
        break;
      case timeline::ReadOutcome::kNull:
        PutDefault(writer, row, FeatureStatus::kNullValue);
        break;
      case timeline::ReadOutcome::kTooEarly:
        is_too_early = true;
        [[fallthrough]];
      case timeline::ReadOutcome::kOverflow:
      case timeline::ReadOutcome::kTooMany:
      case timeline::ReadOutcome::kTruncated:
        PutFailure(writer, row,
                   FailureReason(read, values[i].outcome, writer.slot->feature->type, bytes));
        break;
    }
  }
  return is_too_early;
}

void FinalizeStreamRow(const StreamRead& read, std::string_view bytes, int64_t now_ms, uint32_t row,
                       std::span<SlotWriter> writers) {
  const std::string_view stored = bytes.empty() ? bytes : store::StreamRow::Row(bytes);
  const bool is_there = !stored.empty() && !store::RowLayout::IsTombstone(stored);
  PutRow(*read.view->batch(), read.slots, *read.layout, read.columns,
         is_there ? stored : std::string_view(), now_ms, row, writers);
}

void FinalizeRow(const RowRead& read, const GenerationView& generation, std::string_view bytes,
                 int64_t now_ms, uint32_t row, std::span<SlotWriter> writers) {
  PutRow(*read.view->batch(), read.slots, *generation.layout, generation.columns, bytes, now_ms,
         row, writers);
}

}  // namespace freshet::serve
