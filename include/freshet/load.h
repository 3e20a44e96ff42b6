// Loads: the rows of files become what a batch view serves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "freshet/status.h"
#include "freshet/value.h"

namespace freshet {

// One file of a load, whose bytes can be read at any place.
class LoadFile {
 public:
  // Columns whose values the path says, as country does in users/country=FI/part-0.parquet. They
  // stand before columns of the same name in the file.
  using PathValues = std::vector<std::pair<std::string, std::string>>;

  LoadFile(std::string name, uint64_t size, PathValues path_values = {}, int64_t modified_at_ns = 0)
      : name_(std::move(name)),
        size_(size),
        path_values_(std::move(path_values)),
        modified_at_ns_(modified_at_ns) {}
  virtual ~LoadFile() = default;
  LoadFile(const LoadFile&) = delete;
  LoadFile& operator=(const LoadFile&) = delete;

  const std::string& name() const { return name_; }  // for messages
  uint64_t size() const { return size_; }
  const PathValues& path_values() const { return path_values_; }
  int64_t modified_at_ns() const { return modified_at_ns_; }  // 0: not known

  // Reads `count` bytes from `offset` on, which lie inside of the file.
  virtual Status ReadAt(uint64_t offset, size_t count, char* bytes) = 0;
  // Gives back what reading holds, until the next ReadAt.
  virtual void Close() {}

 private:
  const std::string name_;
  const uint64_t size_;
  const PathValues path_values_;
  const int64_t modified_at_ns_;
};

// What tells a file from another one, and from what it was before a change.
struct LoadFileIdentity {
  std::string name;
  uint64_t bytes = 0;
  int64_t modified_at_ns = 0;  // 0: not known

  friend bool operator==(const LoadFileIdentity&, const LoadFileIdentity&) = default;
};
inline LoadFileIdentity IdentityOf(const LoadFile& file) {
  return {file.name(), file.size(), file.modified_at_ns()};
}

// Where the files of a load are found again: for people and programs, Freshet itself does not look
// there.
struct LoadOrigin {
  std::string path;         // a file, a folder, a pattern or a URL
  std::string s3_endpoint;  // empty: the default
};

struct BadRowReport {
  uint64_t line = 0;  // of a text file, from 1; else the number of the row
  std::string reason;
  std::string file;  // empty where the load has no names for its bytes
};

// What a dry run found out about a load.
struct LoadProfile {
  struct Column {  // of the rows that are not bad and delete nothing
    std::string name;
    Type type = Type::kInt64;
    uint64_t rows = 0;  // 0: the files do without the column
    uint64_t nulls = 0;
    // As text, cut where it is long; empty without a value.
    std::string least;
    std::string greatest;
  };
  uint64_t keys_distinct = 0;  // in the files
  uint64_t keys_served = 0;    // of the view as it stands
  uint64_t keys_new = 0;       // that the load would add to those that are served
  uint64_t keys_gone = 0;      // and take from them
  std::vector<Column> columns;
};

// The load that built a folder of rows.
struct LoadBuild {
  int64_t built_at_ms = 0;
  uint64_t bytes_read = 0;
  uint64_t rows_read = 0;
  uint64_t rows_bad = 0;
  uint64_t rows_duplicate = 0;
  uint64_t rows_deleted = 0;
};

struct LoadProgress {
  enum class Phase : uint8_t { kRead, kSort, kPublish, kDone };
  Phase phase = Phase::kRead;
  uint64_t load_id = 0;       // of the data folder's loads; 0: it cannot be resumed
  uint64_t rows_resumed = 0;  // of rows_read: what was kept of them, and not read again
  uint64_t bytes_read = 0;    // how far into the files; columns that are passed over count as read
  uint64_t rows_read = 0;
  uint64_t rows_bad = 0;
  uint64_t rows_written = 0;
  uint64_t rows_duplicate = 0;  // the load has a newer row of the key
  uint64_t rows_deleted = 0;    // keys whose newest row deletes
  uint64_t rows_older = 0;      // of an upsert: a newer row of the key was served
  uint64_t rows_unchanged = 0;  // of an upsert: the same row was served
  uint64_t bytes_written = 0;   // of the files that the rows came into the database with
  // How long the phases took so far.
  int64_t read_ms = 0;
  int64_t sort_ms = 0;
  int64_t publish_ms = 0;
  std::vector<BadRowReport> bad_rows;  // the first of them
  // How many rows are bad for the same cause, as "age: not an int32".
  std::map<std::string, uint64_t> bad_rows_by_cause;
  // What the view expects and the rows are not, one sentence each.
  std::vector<std::string> broken_expectations;
  std::optional<LoadProfile> profile;  // of a dry run that came to its end
  std::optional<LoadBuild> build;      // of a load that adopts a folder
};

struct LoadRequest {
  std::string view;
  std::string format;               // csv, jsonl, parquet or arrow; empty: the source's
  double bad_rows_share_max = 0.0;  // 0..1
  uint64_t bad_rows_max = 0;        // this many are let pass, whatever their share
  // Told every bad row, not only the first, before the call that read it returns. Of a client: from
  // a thread of its own, and before the load's last progress.
  std::function<void(const BadRowReport&)> on_bad_row;
  bool dry_run = false;  // everything but publishing: the load's end has its profile
  bool upsert = false;   // rows go into what is served, unless a newer one is; else they replace it
  std::string delete_column;  // a bool column: true where the row deletes its entity; empty: none
  // All files, in the order in which they will be read. A load that ends before its rows are served,
  // whatever ends it except its rows and the disk, can then be resumed. Empty: it cannot.
  std::vector<LoadFileIdentity> files;
  LoadOrigin origin;  // for those who resume it
  // An unfinished load that goes on, with the options that it began with: of the request, `files` and
  // `on_bad_row` count. The files are those that it began with, each with the size and the time that
  // it had: no others. 0: a new load.
  uint64_t resume = 0;
  // A folder of rows that `freshet load --out` built for the view, as the server finds it: they are
  // loaded, and the load takes no files. Only `view` and `dry_run` may be set beside it. A path that
  // is not absolute is one below the folder that the server adopts from.
  std::string adopt_folder;
};

// A load that ended before its rows were served, or is under way. It can go on where its finished parts
// end, unless it has an obstacle.
struct UnfinishedLoad {
  uint64_t id = 0;
  std::string view;  // empty: what it was cannot be read
  bool upsert = false;
  bool is_under_way = false;
  int64_t began_at_ms = 0;
  int64_t expires_at_ms = 0;  // it is removed then, unless it is under way
  uint64_t rows = 0;          // read, of the finished parts
  uint64_t bytes = 0;         // on disk
  std::string format;
  LoadOrigin origin;
  // Why it cannot be resumed, ever, and the way out, in one sentence; empty: it can. What has one takes
  // its bytes until it is discarded, expires, or definitions are applied.
  std::string obstacle;
};

// What a view serves after a rollback.
struct RollbackOutcome {
  int64_t loaded_at_ms = 0;  // when it was loaded
  uint64_t rows = 0;
};

// A load under way: give it its files, or the bytes of one text file as they come, then finish it.
// Dropping it changes nothing. One thread; the engine must outlive it.
class LoadSession {
 public:
  virtual ~LoadSession() = default;
  // The next bytes of a text file, which may be compressed.
  virtual Status Feed(std::string_view bytes) = 0;
  // A whole file, in any format. `progress` is called now and then.
  virtual Status ReadFile(LoadFile& file,
                          const std::function<void(const LoadProgress&)>& progress) = 0;
  virtual Status Finish(const std::function<void(const LoadProgress&)>& progress) = 0;
  // Ends a Finish that is under way or to come with Cancelled, and nothing is changed, unless it is
  // publishing by then. Any thread, or from `progress`.
  virtual void Cancel() = 0;
  virtual LoadProgress Progress() const = 0;
};

}  // namespace freshet
