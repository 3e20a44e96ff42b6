// What a load has to know to go on in another process: what it was asked for, how far it is in its
// files, and what it has counted.
//
// The stored form, version 1, which the store keeps beside the sorted rows (docs/formats.md):
//
//   u8      version, 1
//   text    what the load's meaning hangs on of its view, see ViewText
//   u8      format of the files: 0 csv, 1 jsonl, 2 parquet, 3 arrow
//   f64     share of bad rows that is allowed, 0 to 1
//   u64     number of bad rows that is allowed
//   text    column of bools that deletes; empty if there is none
//   text    where the files are found again, and the endpoint of their object store
//   u32     number of files, at least 1; for each its name as text, u64 bytes, i64 time of its last
//           change in nanoseconds since 1970-01-01T00:00:00Z
//   u32     file to go on with, counted from 0; the number of files when all rows are read
//   u64     line, or number of the row, to go on with, counted from 1
//   u64     of text: where that row begins in the content
//   u64     of text: bytes of the header
//   u64     rows read
//   u32     number of bad rows that are listed; for each u64 line, reason and file as text
//   u32     number of causes; for each its text and u64 bad rows
//   u8      1 when a row was read, and then u32 number of fields that the files do without, u32 each
//   u32     number of columns of which something is expected; for each u64 rows, u64 nulls, place of the
//           first null as text, and twice, for the values outside and the unknown ones, u64 count and the
//           first as text
//
// Text has u32, its size, in front.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/load.h"
#include "freshet/status.h"

#include "load/expectations.h"
#include "load/loader.h"
#include "load/text_file.h"
#include "registry/definitions.h"

namespace freshet::load {

struct LoadState {
  std::string view_text;
  registry::FileFormat format = registry::FileFormat::kCsv;
  double bad_rows_share_max = 0;
  uint64_t bad_rows_max = 0;
  std::string delete_column;
  LoadOrigin origin;
  std::vector<LoadFileIdentity> files;

  uint32_t file = 0;      // to go on with
  TextFile::Place place;  // in it; of columns only the line counts, the number of the row

  uint64_t rows_read = 0;
  std::vector<BadRow> bad_rows;
  std::map<std::string, uint64_t> bad_rows_by_cause;
  std::optional<std::vector<uint32_t>> lacking;
  std::vector<ExpectationCounts> expectations;

  uint64_t rows_bad() const;
};

std::string EncodeLoadState(const LoadState& state);
// Corruption for bytes that are no state, and for a state that cannot be true.
Result<LoadState> DecodeLoadState(std::string_view bytes);

// All of the view's definition that what a load makes of a file hangs on. A load goes on only where it
// is what it was.
std::string ViewText(const registry::FeatureView& view);
std::string_view NameInViewText(std::string_view text);

// OK when these are the files that a load began with: in the same order, by the last part of their name
// and the parts of their path that fix columns, their size and the time of their last change. Else FailedPrecondition, which names the first that is
// another.
Status CheckSameFiles(const std::vector<LoadFileIdentity>& began_with,
                      const std::vector<LoadFileIdentity>& now);

}  // namespace freshet::load
