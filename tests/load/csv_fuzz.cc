#include <cstddef>
#include <cstdint>

#include "load/fuzz_rows.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  freshet::load::CheckAnyBytes(freshet::registry::FileFormat::kCsv,
                               {reinterpret_cast<const char*>(data), size});
  return 0;
}
