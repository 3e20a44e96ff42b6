// Rows of a folder that was built, as rows of a file are looked at.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/datum.h"
#include "load/row_reader.h"
#include "registry/definitions.h"
#include "store/row.h"

namespace freshet::load {

// One thread.
class BuiltRow {
 public:
  // `view`, a batch view, must outlive it.
  explicit BuiltRow(const registry::FeatureView& view);

  // `row` is valid, and no tombstone; the answer borrows from it, and is gone with the next one. It has the
  // fields that are features.
  const FileRow& Read(uint64_t number, std::string_view row);

 private:
  const std::vector<uint32_t>& feature_fields_;
  const store::RowLayout layout_;
  std::vector<Datum> values_;
  FileRow file_row_;
};

}  // namespace freshet::load
