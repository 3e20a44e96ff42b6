// Arbitrary bytes as a stored catalog: what is taken for one is written back as the same bytes or
// as the same catalog.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "registry/catalog.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using freshet::Result;
  using freshet::registry::Catalog;
  Result<Catalog> catalog =
      Catalog::Decode(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!catalog.ok()) return 0;
  Result<Catalog> again = Catalog::Decode(catalog->Encode());
  if (!again.ok() || *again != *catalog) std::abort();
  return 0;
}
