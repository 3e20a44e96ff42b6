// Columns of Arrow arrays as values of a source's fields.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <arrow/api.h>

#include "base/datum.h"
#include "load/targets.h"

namespace freshet::load {

// The values of one column of a file, for one target. One thread.
class ArrowColumn {
 public:
  virtual ~ArrowColumn() = default;
  // Reads from `array`, of the column's type, until the next call; it must live that long.
  virtual void Bind(const arrow::Array& array) = 0;
  // The value at `i`, null included; a string borrows from the array.
  virtual Problem Read(int64_t i, Datum* value) const = 0;
  // `count` values from `begin` on, each `stride` after the one before. False when one of them has a
  // problem; then those before it are read.
  virtual bool ReadRun(int64_t begin, int64_t count, Datum* values, size_t stride) const = 0;
};

// Null when a column of `type` cannot hold what the target wants.
std::unique_ptr<ArrowColumn> NewArrowColumn(const arrow::DataType& type, const Target& target);
// Which types of columns can, for messages.
std::string_view FittingTypes(const Target& target);
// A type of columns as messages name it: of a dictionary, that of its values.
std::string ShownType(const arrow::DataType& type);
// A value as a message shows it.
std::string ShownValue(const arrow::Array& array, int64_t i);

}  // namespace freshet::load
