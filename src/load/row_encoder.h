// Rows of files as rows of the store.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/value.h"

#include "base/datum.h"
#include "load/row_reader.h"
#include "registry/definitions.h"
#include "store/row.h"

namespace freshet::load {

// The features of a batch view, as columns of its rows.
std::vector<std::string> ColumnNames(const registry::FeatureView& view);
std::vector<Type> ColumnTypes(const registry::FeatureView& view);

// Why a row is bad: for its reader, and to count it by.
struct Problems {
  std::string reason;
  std::string cause;
};

// Turns rows of the file into the entity keys and rows of one view. One thread.
class RowEncoder {
 public:
  // `view`, a batch view, must outlive it.
  explicit RowEncoder(const registry::FeatureView& view);

  // Why the row has no entity key; nothing when key() and row() are set.
  std::optional<Problems> Encode(const FileRow& file_row);

  std::string_view key() const { return key_; }
  std::string_view row() const { return row_; }

 private:
  const std::string& FieldName(size_t join_key) const {
    return batch_.source->fields[batch_.key_fields[join_key]].name;
  }

  const std::vector<registry::JoinKey>& join_keys_;
  const registry::BatchView& batch_;
  const store::RowLayout layout_;
  std::string key_;
  std::string row_;
};

}  // namespace freshet::load
