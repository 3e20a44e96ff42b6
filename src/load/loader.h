// Loads: a file's rows become the served generation of a batch view, all of them or none.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/load.h"
#include "freshet/status.h"

#include "base/function_ref.h"
#include "registry/registry.h"
#include "store/row_folder.h"
#include "store/store.h"

namespace freshet::load {

// A row that could not be used. Lines count from 1; a quoted CSV field may span several: it is
// where the row begins. In formats of columns it is the number of the row.
struct BadRow {
  uint64_t line = 0;
  std::string reason;
  std::string file;
};

struct LoadOptions {
  registry::FileFormat format = registry::FileFormat::kCsv;
  // Bad rows stop the load when they are a larger share than this, 0..1, and more than that.
  double bad_rows_share_max = 0.0;
  uint64_t bad_rows_max = 0;
  std::function<void(const BadRow& row)> on_bad_row;  // told each of them; null: nobody is
  size_t memory_bytes = 512u << 20;                   // for sorting
  store::LoadKind kind = store::LoadKind::kReplace;
  bool is_dry_run = false;    // Finish publishes nothing
  std::string delete_column;  // a bool column: true where the row deletes its key; empty: none
  // As LoadRequest has them: with files, what is sorted of the load is kept for a resumption.
  std::vector<LoadFileIdentity> files;
  LoadOrigin origin;
};

struct LoadReport {
  uint64_t bytes_read = 0;    // how far into the files; what is passed over counts as read
  uint64_t rows_resumed = 0;  // of rows_read: what was kept of them
  uint64_t rows_read = 0;
  uint64_t rows_bad = 0;
  uint64_t rows_kept = 0;  // rows of the view, what is served
  uint64_t rows_duplicate =
      0;  // keys that stood more than once: the newest event time won, then the later row
  uint64_t rows_deleted = 0;    // keys whose newest row deletes
  uint64_t rows_older = 0;      // keys of which a newer row was served
  uint64_t rows_unchanged = 0;  // keys of which the same row was served
  uint64_t bytes_written = 0;
  int64_t read_ms = 0;
  int64_t sort_ms = 0;
  int64_t publish_ms = 0;
  std::vector<BadRow> bad_rows;                       // the first limits::kBadRowReportsMax
  std::map<std::string, uint64_t> bad_rows_by_cause;  // as "age: not an int32"
  std::vector<std::string> broken_expectations;
  std::optional<LoadProfile> profile;  // of a dry run, after Finish
  std::optional<LoadBuild> build;      // of a folder that is adopted
};

enum class LoadPhase : uint8_t { kRead, kSort, kPublish };

// NotFound for a view that there is not, FailedPrecondition for one that is not loaded from files.
Result<const registry::FeatureView*> FindBatchView(const registry::Registry& registry,
                                                   std::string_view name);

// One load. Nothing of the served view changes before Finish returns OK. Dropping the load leaves
// nothing behind, or what Resume goes on with: that too goes when the load ends by what is in its files,
// or because the store cannot write. One thread.
class Load {
 public:
  // As FindBatchView; InvalidArgument for options out of range. `registry` is kept alive; `store`
  // must outlive the load.
  static Result<std::unique_ptr<Load>> Start(std::shared_ptr<const registry::Registry> registry,
                                             std::string_view view, const LoadOptions& options,
                                             store::Store& store);
  // Goes on with what is kept of a load, with the options that it began with: of those given only
  // memory_bytes, on_bad_row and files count. All files are to be given to ReadFile again. NotFound when
  // nothing is kept, ResourceExhausted while the view is being loaded, FailedPrecondition when the files
  // or the view's definition are not what they were.
  static Result<std::unique_ptr<Load>> Resume(std::shared_ptr<const registry::Registry> registry,
                                              uint64_t id, const LoadOptions& options,
                                              store::Store& store);
  // A load that is not published to a store but built into a folder, which a store adopts later. As Start, and
  // as store::NewRowFolder; InvalidArgument for an upsert and for a dry run.
  static Result<std::unique_ptr<Load>> StartBuild(
      std::shared_ptr<const registry::Registry> registry, std::string_view view,
      const LoadOptions& options, const std::string& folder);
  virtual ~Load() = default;

  // The number to resume it by; 0: it cannot be.
  virtual uint64_t id() const = 0;
  // The next bytes of a text file, at most limits::kLoadChunkBytesMax; the file may be compressed.
  // InvalidArgument: the file cannot be this view's (e.g. a CSV header without a column that is
  // needed), or is of a format that cannot be read front to back.
  virtual Status Feed(std::string_view bytes) = 0;
  // A whole file. InvalidArgument as above, and for damage. A load is fed or given files, not both.
  virtual Status ReadFile(LoadFile& file, FunctionRef<void()> progress) = 0;
  // The rows of a folder that was built for the view, in the place of files. Corruption when they are not
  // those that its manifest says.
  virtual Status ReadFolder(const store::RowFolder& folder, FunctionRef<void()> progress) = 0;
  // All rows have come: sort, write, publish. FailedPrecondition when too many rows are bad, or all,
  // or when they are not what the view expects; the report says which. InvalidArgument for a file without rows, except a CSV file with its
  // header alone: that empties the view. `progress` is called with kSort and kPublish.
  virtual Status Finish(FunctionRef<void(LoadPhase phase, uint64_t rows_done)> progress) = 0;
  // Ends a Finish that is under way or to come with Cancelled, unless it is publishing by then. Any
  // thread, or from `progress`.
  virtual void Cancel() = 0;
  // As it stands now.
  virtual const LoadReport& report() const = 0;
};

}  // namespace freshet::load
