// Rows in the order of their keys, one after the other.
#pragma once

#include <string_view>

#include "freshet/status.h"

namespace freshet::store {

// At a row, or behind the last one. One thread.
class SortedRows {
 public:
  virtual ~SortedRows() = default;

  bool valid() const { return valid_; }
  // Of the row that it is at; the bytes last until Next.
  std::string_view entity_key() const { return entity_key_; }
  std::string_view row() const { return row_; }

  // After an error it is at no row.
  virtual Status Next() = 0;

 protected:
  bool valid_ = false;
  std::string_view entity_key_;
  std::string_view row_;
};

}  // namespace freshet::store
