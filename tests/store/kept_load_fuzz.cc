// Any bytes are either refused or the record of an unfinished load, which is encoded as it was.
#include <cstdint>

#include "base/check.h"
#include "store/kept_load.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace freshet;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Result<store::LoadRecord> record = store::DecodeLoadRecord(bytes);
  if (record.ok()) FRESHET_CHECK(store::EncodeLoadRecord(*record) == bytes);
  return 0;
}
