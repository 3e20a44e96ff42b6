// What must hold for any bytes: the same rows in chunks as in one piece, and each of them whole or
// explained.
#pragma once

#include <string_view>

#include "base/check.h"
#include "load/read_rows.h"

namespace freshet::load {

inline void CheckAnyBytes(registry::FileFormat format, std::string_view bytes) {
  const registry::Source source = AllTypesSource();
  const ReadFile whole = ReadRows(format, source, bytes, std::max<size_t>(bytes.size(), 1));
  const size_t chunk_bytes = bytes.empty() ? 1 : 1 + static_cast<unsigned char>(bytes.back()) % 16;
  const ReadFile chunked = ReadRows(format, source, bytes, chunk_bytes);
  FRESHET_CHECK(whole.status.ToString() == chunked.status.ToString());
  FRESHET_CHECK(whole.rows == chunked.rows);

  uint64_t line = 0;
  for (const ReadRow& row : whole.rows) {
    FRESHET_CHECK(row.line > line);
    FRESHET_CHECK(row.values.size() == (row.error.empty() ? source.fields.size() : 0));
    line = row.line;
  }
}

}  // namespace freshet::load
