#include "store/key_comparison.h"

#include "store/row.h"

namespace freshet::store {

KeyComparison::KeyComparison(const Database& database, const Generation* served) {
  if (served == nullptr) return;
  range_ = TableRange(served->table);
  end_ = range_.end;
  rocksdb::ReadOptions read;
  read.iterate_upper_bound = &end_;
  read.fill_cache = false;
  served_.reset(database.db().NewIterator(read, database.rows()));
  served_->Seek(range_.begin);
  SkipWhatIsNotServed();
}

Status KeyComparison::Take(std::string_view entity_key) {
  while (HasServed() && EntityKeyOf(ToView(served_->key())) < entity_key) {
    ++gone_keys_;
    FRESHET_RETURN_IF_ERROR(Next());
  }
  if (HasServed() && EntityKeyOf(ToView(served_->key())) == entity_key) return Next();
  ++new_keys_;
  return Status::Ok();
}

Status KeyComparison::Finish() {
  while (HasServed()) {
    ++gone_keys_;
    FRESHET_RETURN_IF_ERROR(Next());
  }
  if (served_ == nullptr) return Status::Ok();
  return FromRocks(served_->status(), "read the rows that are served");
}

bool KeyComparison::HasServed() const {
  return served_ != nullptr && served_->Valid();
}

// The table's own summary has no entity key, and a tombstone is no row.
void KeyComparison::SkipWhatIsNotServed() {
  while (served_->Valid() && (EntityKeyOf(ToView(served_->key())).empty() ||
                              RowLayout::IsTombstone(ToView(served_->value()))))
    served_->Next();
}

Status KeyComparison::Next() {
  served_->Next();
  SkipWhatIsNotServed();
  return FromRocks(served_->status(), "read the rows that are served");
}

}  // namespace freshet::store
