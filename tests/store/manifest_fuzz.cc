// Any bytes are either refused or a manifest that comes to the same bytes again. The checksum at the end is put right, since no
// change of the bytes would pass it.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/coding.h"
#include "store/file_checksum.h"
#include "store/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace freshet;
  std::string bytes = "freshet-rows 1\n";
  bytes.append(reinterpret_cast<const char*>(data), size);
  Append(bytes, store::ChecksumOfBytes(bytes));
  const auto manifest = store::DecodeManifest(bytes);
  if (!manifest.ok()) return 0;
  FRESHET_CHECK(store::EncodeManifest(*manifest) == bytes);
  for (size_t i = 1; i < manifest->files.size(); ++i)
    FRESHET_CHECK(manifest->files[i - 1].last_key < manifest->files[i].first_key);
  return 0;
}
