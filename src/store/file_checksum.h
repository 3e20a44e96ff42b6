// Checksums of files: XXH3 of 64 bits, seed 0. RocksDB computes them while it writes a file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <rocksdb/file_checksum.h>

#include "freshet/status.h"

#include "base/function_ref.h"

namespace freshet::store {

// What lets files that are written have a RowFile::checksum.
std::shared_ptr<rocksdb::FileChecksumGenFactory> NewFileChecksums();
// A RowFile::checksum as a number.
uint64_t ChecksumOf(const std::string& row_file_checksum);

uint64_t ChecksumOfBytes(std::string_view bytes);
// Reads the file to its end. `is_wanted` is asked now and then; what it answers instead of OK ends the
// reading.
Result<uint64_t> ChecksumOfFile(const std::string& path, FunctionRef<Status()> is_wanted);

}  // namespace freshet::store
