#include "ingest/row_tables.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "registry/tables.h"
#include "store/stream_row.h"

namespace freshet::ingest {

RowTables::RowTables(const registry::FeatureView& view)
    : view_(view), keys_(view.entity->join_keys) {
  for (size_t feature = 0; feature < view.features.size(); ++feature) {
    if (view.features[feature].type == Type(Type::kString))
      text_fields_.push_back(view.batch()->feature_fields[feature]);
  }
  if (text_fields_.size() * limits::kStringValueBytesMax <= limits::kStoredRowBytesMax)
    text_fields_.clear();
}

void RowTables::Add(const registry::RowTable& table, const Offsets& start) {
  std::vector<uint32_t> fields;
  for (const uint32_t feature : table.features)
    fields.push_back(view_.batch()->feature_fields[feature]);
  tables_.push_back({table.id, std::move(fields),
                     store::RowLayout(registry::ColumnTypesOf(view_, table)), StartOffsets(start)});
}

bool RowTables::Cover(const Record& record) const {
  return std::all_of(tables_.begin(), tables_.end(),
                     [&](const Table& table) { return table.start.Cover(record); });
}

Refusal RowTables::CheckRow(const DecodedEvent& event, std::string* detail) const {
  size_t bytes = 0;
  for (const uint32_t field : text_fields_) {
    if (!event.values[field].is_null()) bytes += event.values[field].as_string().size();
  }
  if (bytes <= limits::kStoredRowBytesMax) return Refusal::kNone;
  *detail = fmt::format("the features of {} have {} bytes together, at most {} are allowed",
                        view_.name, bytes, limits::kStoredRowBytesMax);
  return Refusal::kTooLarge;
}

Status RowTables::Put(const Record& record, const DecodedEvent& event, std::string_view entity_key,
                      Update update, RowOutcome* outcome) {
  for (const Table& table : tables_) {
    if (table.start.Cover(record)) continue;
    values_.clear();
    for (const uint32_t field : table.fields) values_.push_back(event.values[field]);
    row_.clear();
    store::StreamRow::AppendHeader(record.partition, record.offset, row_);
    table.layout.Encode(event.time_ms, values_, row_);
    FRESHET_RETURN_IF_ERROR(Merge(table, entity_key, update, outcome));
  }
  return Status::Ok();
}

Status RowTables::Delete(const Record& record, int64_t time_ms, std::string_view entity_key,
                         Update update, RowOutcome* outcome) {
  row_.clear();
  store::StreamRow::AppendHeader(record.partition, record.offset, row_);
  store::RowLayout::EncodeTombstone(time_ms, row_);
  for (const Table& table : tables_) {
    if (table.start.Cover(record)) continue;
    FRESHET_RETURN_IF_ERROR(Merge(table, entity_key, update, outcome));
  }
  return Status::Ok();
}

Status RowTables::Merge(const Table& table, std::string_view entity_key, Update update,
                        RowOutcome* outcome) {
  bool is_taken = false;
  FRESHET_RETURN_IF_ERROR(update(table.id, entity_key, [&](std::string& bytes) {
    is_taken = store::StreamRow::Merge(row_, bytes);
  }));
  ++(is_taken ? outcome->taken : outcome->older);
  return Status::Ok();
}

Refusal RowTables::DecodeKey(const Record& tombstone, std::string* entity_key,
                             std::string* detail) {
  if (tombstone.key.has_value()) return keys_.Decode(*tombstone.key, entity_key, detail);
  *detail = "a tombstone without a key does not say whose it is";
  return Refusal::kMissingField;
}

}  // namespace freshet::ingest
