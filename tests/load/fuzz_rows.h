// What must hold for any bytes: the same rows in chunks as in one piece, and each of them whole or
// explained. Of a compressed file that is broken, how much is unpacked before the error, and so which
// error comes first, hangs on the chunks; no load keeps such rows.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/check.h"
#include "load/decompressor.h"
#include "load/read_rows.h"

namespace freshet::load {

inline bool IsPlain(std::string_view bytes) {
  std::string content;
  Decompressor decompressor;
  const auto append = [&](std::string_view part) {
    content += part;
    return Status::Ok();
  };
  return decompressor.Feed(bytes, append).ok() && decompressor.Finish(append).ok() &&
         content == bytes;
}

inline void CheckAnyBytes(registry::FileFormat format, std::string_view bytes) {
  const registry::Source source = AllTypesSource();
  const ReadFile whole = ReadRows(format, source, bytes, std::max<size_t>(bytes.size(), 1));
  const size_t chunk_bytes = bytes.empty() ? 1 : 1 + static_cast<unsigned char>(bytes.back()) % 16;
  const ReadFile chunked = ReadRows(format, source, bytes, chunk_bytes);
  FRESHET_CHECK(whole.status.ok() == chunked.status.ok());
  const auto [left, right] = std::ranges::mismatch(whole.rows, chunked.rows);
  FRESHET_CHECK(left == whole.rows.end() || right == chunked.rows.end());
  if (whole.status.ok() || IsPlain(bytes)) {
    FRESHET_CHECK(whole.status.ToString() == chunked.status.ToString());
    FRESHET_CHECK(whole.rows.size() == chunked.rows.size());
  }

  uint64_t line = 0;
  for (const ReadRow& row : whole.rows) {
    FRESHET_CHECK(row.line > line);
    FRESHET_CHECK(row.values.size() == (row.error.empty() ? source.fields.size() : 0));
    line = row.line;
  }
}

}  // namespace freshet::load
