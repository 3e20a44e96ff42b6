// What a view expects of the rows of a load: counted while they come, told at the end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "freshet/value.h"

#include "load/row_reader.h"
#include "registry/definitions.h"

namespace freshet::load {

// What was counted of one column, which says all that is known of the rows.
struct ExpectationCounts {
  // Values that break one expectation.
  struct Breach {
    uint64_t count = 0;
    std::string first;  // "users.csv:5: 200"

    friend bool operator==(const Breach&, const Breach&) = default;
  };
  uint64_t rows = 0;
  uint64_t nulls = 0;
  std::string first_null;
  Breach outside;
  Breach unknown;

  friend bool operator==(const ExpectationCounts&, const ExpectationCounts&) = default;
};

// One thread.
class ExpectationCheck {
 public:
  // `view`, a batch view, must outlive it.
  explicit ExpectationCheck(const registry::FeatureView& view);

  // Whether it looks at rows, and not at their number alone.
  bool looks_at_rows() const { return !columns_.empty(); }
  // A row that is not bad and deletes nothing. `file` is for messages, empty where there is no name.
  void Take(const FileRow& row, const std::string& file);

  // What the rows break, one sentence each; `rows_served` is what the view would serve.
  std::vector<std::string> Broken(uint64_t rows_served) const;

  // Per column of which something is expected.
  std::vector<ExpectationCounts> counts() const;
  // As if the rows that were counted had been taken; false when they are those of another view.
  bool Restore(const std::vector<ExpectationCounts>& counts);

 private:
  struct Column {
    uint32_t feature = 0;
    uint32_t field = 0;
    const registry::Expectation* expectation = nullptr;
    ExpectationCounts counts;
  };

  void AddBroken(const Column& column, std::vector<std::string>& broken) const;

  const registry::FeatureView& view_;
  std::vector<Column> columns_;  // of which something is expected
};

}  // namespace freshet::load
