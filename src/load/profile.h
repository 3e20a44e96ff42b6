// What the rows of a load are like, column by column.
#pragma once

#include <cstdint>
#include <vector>

#include "freshet/load.h"
#include "freshet/value.h"

#include "load/row_reader.h"
#include "registry/definitions.h"

namespace freshet::load {

// One thread.
class Profiler {
 public:
  // `view`, a batch view, must outlive it.
  explicit Profiler(const registry::FeatureView& view);

  // A row that is not bad and deletes nothing.
  void Take(const FileRow& row);
  // Of the rows so far, a column for each feature of the view.
  std::vector<LoadProfile::Column> Columns() const;

 private:
  struct Column {
    uint64_t rows = 0;
    uint64_t nulls = 0;
    Value least;
    Value greatest;
  };

  const registry::FeatureView& view_;
  std::vector<Column> columns_;
};

}  // namespace freshet::load
