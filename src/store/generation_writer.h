// One load of a batch view: rows into files, files into the database, the view over to them.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "freshet/status.h"

#include "store/generation.h"
#include "store/row_sorter.h"
#include "store/store.h"

namespace freshet::store {

class SortingGenerationWriter : public GenerationWriter {
 public:
  struct Options {
    LoadKind kind = LoadKind::kReplace;
    uint32_t view_id = 0;
    std::vector<std::string> column_names;
    std::vector<Type> column_types;
    size_t memory_bytes = 0;
  };

  // All must outlive the writer. InvalidArgument when names and types do not pair up,
  // FailedPrecondition for an upsert into other columns.
  static Result<std::unique_ptr<SortingGenerationWriter>> Begin(Database& database,
                                                                Generations& generations,
                                                                Options options);
  ~SortingGenerationWriter() override;

  Status Add(std::string_view entity_key, std::string_view row) override;
  Status Keep(std::vector<bool> columns) override;
  Status Finish(FunctionRef<void(uint64_t rows_written)> progress) override;
  Status Rehearse(FunctionRef<void(uint64_t rows_done)> progress) override;
  void Cancel() override { cancelled_ = true; }
  const LoadCounts& counts() const override { return counts_; }
  Status Publish() override;

  // The steps of Publish: the files become part of the database, then the view serves them. An
  // upsert serves its rows after the first.
  Status Ingest();
  Status Flip();

 private:
  enum class Stage : uint8_t { kAdding, kFinished, kIngested, kPublished, kFailed };

  SortingGenerationWriter(Database& database, Generations& generations, Options options,
                          TableId load);

  Status Begin();
  bool goes_into_served() const { return base_ != nullptr; }
  // Makes the table's files.
  Status WriteFiles(FunctionRef<void(uint64_t rows_written)> progress);
  // Of rows that were written in order as they came.
  void TakeOrderedFiles(const RowFileWriter& files);
  // What becomes of the rows, in the order of their keys.
  Status SortRows(RowSink write);
  // Of a load into a table of its own.
  Status WriteNewRows(RowSink write);
  Status CheckNotCancelled() const;
  // Says in the files themselves how many rows the table has with them.
  Status WriteSummary();
  std::string NewFile();

  Database& database_;
  Generations& generations_;
  const Options options_;
  const TableId load_;  // names the load's folder, and is the table of a new generation
  const RowLayout layout_;
  std::shared_ptr<const Generation> base_;  // what an upsert goes into
  Generation generation_;                   // what will be served
  std::vector<bool> kept_;
  std::optional<RowSorter> sorter_;  // while the writer lives
  LoadCounts counts_;
  std::vector<std::string> files_;
  Stage stage_ = Stage::kAdding;
  std::atomic<bool> cancelled_{false};
};

}  // namespace freshet::store
