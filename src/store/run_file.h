// Runs: sorted rows in a file that is read back once, front to back, to be merged with others.
//
// The stored form, version 1 (docs/formats.md):
//
//   text    `freshet-run 1` and a newline
//           blocks, each:
//   u32       bytes of its rows, at least 1
//   u64       XXH3 of 64 bits (seed 0) of these bytes
//             its rows, each u32 bytes of the entity key, u32 bytes of the row, the key, the row
//           the end, for which nothing may follow:
//   u32       0
//   u64       number of rows
//
// A block has as many rows as fit into the size that its writer was told, and at least one. Keys ascend
// through all blocks, each once.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "freshet/status.h"

#include "store/database.h"
#include "store/sorted_rows.h"

namespace freshet::store {

// How the names of runs end.
inline constexpr std::string_view kRunEnding = ".run";

using OpenFile = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

// One thread.
class RunWriter {
 public:
  // A new file, in place of one that is there.
  static Result<RunWriter> Create(std::string path, size_t block_bytes);

  // Keys ascend, each once; no key or row is larger than the limits allow.
  Status Add(std::string_view entity_key, std::string_view row);
  // The file is whole, and on the disk if it is to be kSynced. Once, last.
  Status Finish(Durability durability);

 private:
  RunWriter(std::string path, OpenFile file, size_t block_bytes);

  Status WriteBlock();
  Status Write(std::string_view bytes);

  std::string path_;
  OpenFile file_;
  std::string block_;  // the frame, then rows, then what is free
  size_t filled_;      // of the block
  uint64_t rows_ = 0;
};

class RunReader final : public SortedRows {
 public:
  // At the first row. Corruption for a file that is no run, or one of another version.
  static Result<std::unique_ptr<SortedRows>> Open(std::string path);

  // Corruption for bytes that were not written so, before any row of their block is handed over.
  Status Next() override;

 private:
  RunReader(std::string path, OpenFile file);

  Status Begin();
  Status ReadBlock();
  // The file has nothing more.
  Status CheckEnd();
  Status Read(char* bytes, size_t size);
  Status Damaged(std::string_view how) const;

  std::string path_;
  OpenFile file_;
  std::string block_;       // rows, then the next block's frame
  std::string_view rest_;   // rows that are still to come
  std::string_view frame_;  // of the next block, or the end
  uint64_t rows_ = 0;
};

}  // namespace freshet::store
