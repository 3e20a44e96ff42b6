// Merges the sorted rows of a load into the rows that are served.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "freshet/status.h"

#include "base/function_ref.h"
#include "store/database.h"
#include "store/row.h"
#include "store/store.h"

namespace freshet::store {

// One thread; nothing else may change the served rows meanwhile.
class RowUpsert {
 public:
  using Sink = FunctionRef<Status(std::string_view entity_key, std::string_view row)>;

  // Rows of `base` that are not newer give way, with the columns that `kept` marks; what changes is
  // handed to `sink`, in the order of the keys. All must outlive it; `counts` is brought up to date.
  RowUpsert(const Database& database, const Generation& base, const std::vector<bool>& kept,
            Sink sink, LoadCounts& counts)
      : database_(database),
        base_(base),
        kept_(kept),
        layout_(base.column_types),
        sink_(sink),
        counts_(counts) {}

  // Keys ascend, each once.
  Status Add(std::string_view entity_key, std::string_view row);
  // Merges what is still held back.
  Status Flush();

 private:
  struct Pending {
    std::string state_key;
    std::string row;
  };

  Status Merge(const Pending& pending, const std::string* stored);
  // The row with its kept columns from the stored one.
  std::string WithKept(std::string_view row, std::string_view stored) const;

  const Database& database_;
  const Generation& base_;
  const std::vector<bool>& kept_;
  const RowLayout layout_;
  const Sink sink_;
  LoadCounts& counts_;
  std::vector<Pending> pending_;
};

}  // namespace freshet::store
