// CRC-32C of files, as RocksDB computes it while it writes one.
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
uint32_t ChecksumOf(const std::string& row_file_checksum);

uint32_t ChecksumOfBytes(std::string_view bytes);
// Reads the file to its end. `is_wanted` is asked now and then; what it answers instead of OK ends the reading.
Result<uint32_t> ChecksumOfFile(const std::string& path, FunctionRef<Status()> is_wanted);

}  // namespace freshet::store
