// One load of a batch view: rows into files, files into the database, the view over to them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "freshet/status.h"

#include "store/generation.h"
#include "store/row_sorter.h"
#include "store/store.h"

namespace freshet::store {

class SortingGenerationWriter : public GenerationWriter {
 public:
  // All must outlive the writer. InvalidArgument when names and types do not pair up.
  static Result<std::unique_ptr<SortingGenerationWriter>> Begin(
      Database& database, Generations& generations, uint32_t view_id,
      std::vector<std::string> column_names, std::vector<Type> column_types, size_t memory_bytes);
  ~SortingGenerationWriter() override;

  Status Add(std::string_view entity_key, std::string_view row) override;
  Status Finish(FunctionRef<void(uint64_t rows_written)> progress) override;
  uint64_t row_count() const override { return sorter_.row_count(); }
  uint64_t duplicate_count() const override { return sorter_.duplicate_count(); }
  Status Publish() override;

  // The steps of Publish: the files become part of the database, then the view serves them.
  Status Ingest();
  Status Flip();

 private:
  enum class Stage : uint8_t { kAdding, kFinished, kIngested, kPublished, kFailed };

  SortingGenerationWriter(Database& database, Generations& generations, uint32_t view_id,
                          Generation generation, size_t memory_bytes);

  Database& database_;
  Generations& generations_;
  const uint32_t view_id_;
  Generation generation_;
  const RowLayout layout_;
  RowSorter sorter_;
  Stage stage_ = Stage::kAdding;
};

}  // namespace freshet::store
