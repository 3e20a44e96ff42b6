#include "load/column_file.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <arrow/api.h>
#include <fmt/format.h>

#include "base/nearest.h"
#include "load/arrow_column.h"
#include "load/record_batches.h"
#include "load/row_draft.h"

namespace freshet::load {
namespace {

using RowVisitor = FunctionRef<void(const FileRow& row)>;

// How many rows are read a column at a time: some that stay in the processor's cache.
constexpr int64_t kRunRows = 64;

// The column of the file that fills a target.
struct BoundColumn {
  size_t target = 0;  // its place among the targets
  int position = 0;   // in the file's schema
  std::unique_ptr<ArrowColumn> column;
};

// Columns for the targets, or all that keeps the file from having them. The draft is told what the
// file lacks and may.
Result<std::vector<BoundColumn>> BindColumns(const arrow::Schema& schema, const Targets& targets,
                                             RowDraft& draft) {
  std::vector<BoundColumn> columns;
  std::vector<std::string> problems;
  for (size_t i = 0; i < targets.all().size(); ++i) {
    const Target& target = targets.all()[i];
    if (target.is_fixed) continue;
    const std::vector<int> found = schema.GetAllFieldIndices(target.name);
    if (found.empty() && target.is_optional) {
      draft.Lack(target);
    } else if (found.empty()) {
      problems.push_back(fmt::format("it lacks '{}'{}", target.name,
                                     Suggestion(target.name, schema.field_names())));
    } else if (found.size() > 1) {
      problems.push_back(fmt::format("it has '{}' {} times", target.name, found.size()));
    } else {
      const arrow::DataType& type = *schema.field(found.front())->type();
      auto column = NewArrowColumn(type, target);
      if (column == nullptr) {
        problems.push_back(fmt::format("'{}' is a column of {}, but the source's {} needs {}",
                                       target.name, ShownType(type), TypeName(target.type),
                                       FittingTypes(target)));
      }
      columns.push_back({i, found.front(), std::move(column)});
    }
  }
  if (!problems.empty()) {
    return Status::InvalidArgument(
        fmt::format("the file does not fit the source: {}", fmt::join(problems, "; ")));
  }
  return columns;
}

// The columns of a file, for the targets.
class ColumnFileImpl final : public ColumnFile {
 public:
  ColumnFileImpl(std::unique_ptr<RecordBatches> batches, Targets targets)
      : batches_(std::move(batches)), targets_(std::move(targets)), draft_(targets_) {}

  Status Begin(uint64_t rows_to_skip) {
    FRESHET_ASSIGN_OR_RETURN(columns_, BindColumns(batches_->schema(), targets_, draft_));
    std::vector<int> positions;
    for (const BoundColumn& column : columns_) positions.push_back(column.position);
    FRESHET_ASSIGN_OR_RETURN(rows_read_, batches_->Begin(positions, rows_to_skip));
    rows_to_skip_ = rows_to_skip - rows_read_;
    run_.resize(static_cast<size_t>(kRunRows) * width());
    for (const Targets::Fixed& fixed : targets_.fixed())
      for (size_t at = fixed.target; at < run_.size(); at += width()) run_[at] = fixed.value;
    return Status::Ok();
  }

  Result<bool> ReadBatch(RowVisitor visit) override {
    FRESHET_ASSIGN_OR_RETURN(const auto batch, batches_->Next());
    if (batch == nullptr) {
      if (rows_to_skip_ == 0) return false;
      return Status::InvalidArgument(
          "the file ends before the row that the load has to go on with: it was changed");
    }
    const auto rows = static_cast<uint64_t>(batch->num_rows());
    const uint64_t skipped = std::min(rows_to_skip_, rows);
    rows_to_skip_ -= skipped;
    rows_read_ += skipped;
    ReadRows(batch->columns(), static_cast<int64_t>(skipped), static_cast<int64_t>(rows), visit);
    return true;
  }

  double share_read() const override { return batches_->share_read(); }

 private:
  using Arrays = std::vector<std::shared_ptr<arrow::Array>>;

  // Of a row of a run: a value for each target.
  size_t width() const { return targets_.all().size(); }

  void ReadRows(const Arrays& arrays, int64_t begin, int64_t end, RowVisitor visit) {
    if (begin == end) return;
    for (size_t i = 0; i < columns_.size(); ++i) columns_[i].column->Bind(*arrays[i]);
    // One for all: making it anew takes as long as all else that is done with a row here.
    FileRow row;
    row.lacking = draft_.lacking();
    for (; begin < end; begin += kRunRows) {
      const int64_t count = std::min(kRunRows, end - begin);
      const bool is_read = ReadRun(begin, count);
      for (int64_t i = 0; i < count; ++i) {
        ++rows_read_;
        if (is_read && TakeFromRun(static_cast<size_t>(i), &row))
          visit(row);
        else
          visit(ReadAlone(arrays, begin + i));
      }
    }
  }

  // False when a value has a problem: then the rows are to be read one by one.
  bool ReadRun(int64_t begin, int64_t count) {
    return std::all_of(columns_.begin(), columns_.end(), [&](const BoundColumn& column) {
      return column.column->ReadRun(begin, count, &run_[column.target], width());
    });
  }

  // False for a row without an event time.
  bool TakeFromRun(size_t index, FileRow* row) const {
    const std::span<const Datum> values(&run_[index * width()], width());
    const std::optional<int64_t> time_ms =
        targets_.EventTimeMs(values[targets_.event_time_index()]);
    if (!time_ms.has_value()) return false;
    row->line = rows_read_;
    row->time_ms = *time_ms;
    row->values = values.first(targets_.field_count());
    row->is_deletion = targets_.TellDeletion(values);
    return true;
  }

  FileRow ReadAlone(const Arrays& arrays, int64_t row) {
    draft_.Clear();
    for (size_t i = 0; i < columns_.size() && !draft_.failed(); ++i) {
      const Target& target = targets_.all()[columns_[i].target];
      Datum value;
      Problem problem = columns_[i].column->Read(row, &value);
      if (problem == Problem::kNone) problem = draft_.Set(target, value);
      if (problem != Problem::kNone) draft_.Fail(target, ShownValue(*arrays[i], row), problem);
    }
    return draft_.Finish(rows_read_);
  }

  const std::unique_ptr<RecordBatches> batches_;
  const Targets targets_;
  RowDraft draft_;
  std::vector<BoundColumn> columns_;
  std::vector<Datum>
      run_;  // rows one after the other; what a path says stands in them from the start
  uint64_t rows_read_ = 0;
  uint64_t rows_to_skip_ = 0;
};

}  // namespace

Result<std::unique_ptr<ColumnFile>> ColumnFile::Open(registry::FileFormat format, LoadFile& file,
                                                     Targets targets, uint64_t rows_to_skip) {
  FRESHET_ASSIGN_OR_RETURN(auto batches, RecordBatches::Open(format, file));
  auto opened = std::make_unique<ColumnFileImpl>(std::move(batches), std::move(targets));
  FRESHET_RETURN_IF_ERROR(opened->Begin(rows_to_skip));
  return std::unique_ptr<ColumnFile>(std::move(opened));
}

}  // namespace freshet::load
