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
  // Goes on with what is kept of a load; of the options neither kind nor view count. Errors as
  // Store::ResumeLoad has them.
  static Result<std::unique_ptr<SortingGenerationWriter>> Resume(Database& database,
                                                                 Generations& generations,
                                                                 uint64_t load, Options options);
  ~SortingGenerationWriter() override;

  TableId id() const override { return load_; }
  void KeepParts(std::function<std::string()> state) override;
  void Discard() override;

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
  // Of a load that is resumed.
  Status TakeUp(const LoadRecord& record);
  LoadRecord RecordOf(const SortedParts& parts, const std::string& state) const;
  // What is left when the writer goes: nothing, or what is kept.
  void CleanUp();
  bool goes_into_served() const { return base_ != nullptr; }
  // Makes the table's files.
  Status WriteFiles(FunctionRef<void(uint64_t rows_written)> progress);
  // Of rows that were written in order as they came.
  Status TakeOrderedFiles(const RowFileWriter& files);
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
  std::shared_ptr<const Generation> base_;  // what an upsert goes into
  Generation generation_;                   // what will be served
  std::vector<bool> kept_;
  std::optional<RowSorter> sorter_;  // while the writer lives
  LoadCounts counts_;
  std::vector<std::string> files_;
  Stage stage_ = Stage::kAdding;
  int64_t began_at_ms_;
  bool keeps_parts_ = false;
  std::atomic<bool> cancelled_{false};
};

}  // namespace freshet::store
