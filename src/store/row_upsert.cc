#include "store/row_upsert.h"

#include <algorithm>

namespace freshet::store {
namespace {

constexpr size_t kRowsPerRead = 1'024;

}  // namespace

Status RowUpsert::Add(std::string_view entity_key, std::string_view row) {
  pending_.push_back({StateKeyOf(base_.table, entity_key), std::string(row)});
  return pending_.size() < kRowsPerRead ? Status::Ok() : Flush();
}

Status RowUpsert::Flush() {
  std::vector<rocksdb::Slice> keys;
  for (const Pending& pending : pending_) keys.emplace_back(pending.state_key);
  std::vector<rocksdb::ColumnFamilyHandle*> families(keys.size(), database_.rows());
  rocksdb::ReadOptions read;
  read.fill_cache = false;
  std::vector<std::string> stored;
  const std::vector<rocksdb::Status> statuses =
      database_.db().MultiGet(read, families, keys, &stored);
  for (size_t i = 0; i < pending_.size(); ++i) {
    const bool is_there = !statuses[i].IsNotFound();
    if (is_there) FRESHET_RETURN_IF_ERROR(FromRocks(statuses[i], "read the rows that are served"));
    FRESHET_RETURN_IF_ERROR(Merge(pending_[i], is_there ? &stored[i] : nullptr));
  }
  pending_.clear();
  return Status::Ok();
}

Status RowUpsert::Merge(const Pending& pending, const std::string* stored) {
  const std::string_view entity_key = EntityKeyOf(pending.state_key);
  const bool deletes = RowLayout::IsTombstone(pending.row);
  if (stored == nullptr) {
    ++(deletes ? counts_.deleted : counts_.served);
    if (!deletes) ++counts_.new_keys;
    ++counts_.written;
    return sink_(entity_key, pending.row);
  }
  FRESHET_RETURN_IF_ERROR(layout_.Validate(*stored));
  if (RowLayout::EventTimeMs(pending.row) < RowLayout::EventTimeMs(*stored)) {
    ++counts_.older;
    return Status::Ok();
  }
  const bool was_deleted = RowLayout::IsTombstone(*stored);
  const std::string merged = deletes || was_deleted ? pending.row : WithKept(pending.row, *stored);
  if (merged == *stored) {
    ++counts_.unchanged;
    return Status::Ok();
  }
  if (deletes) ++counts_.deleted;
  if (deletes && !was_deleted) {
    --counts_.served;
    ++counts_.gone_keys;
  }
  if (!deletes && was_deleted) {
    ++counts_.served;
    ++counts_.new_keys;
  }
  ++counts_.written;
  return sink_(entity_key, merged);
}

std::string RowUpsert::WithKept(std::string_view row, std::string_view stored) const {
  if (std::find(kept_.begin(), kept_.end(), true) == kept_.end()) return std::string(row);
  std::vector<Datum> values;
  for (size_t i = 0; i < kept_.size(); ++i)
    values.push_back(layout_.Read(kept_[i] ? stored : row, i));
  std::string merged;
  layout_.Encode(RowLayout::EventTimeMs(row), values, merged);
  return merged;
}

}  // namespace freshet::store
