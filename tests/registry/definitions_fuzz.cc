// Arbitrary bytes as one file of definitions: Build answers, and what it accepts compares with
// itself as unchanged.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "registry/change.h"
#include "registry/registry.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace freshet;
  using namespace freshet::registry;
  std::vector<DefinitionFile> files = {
      {"a.yaml", std::string(reinterpret_cast<const char*>(data), size)}};
  yaml::Diagnostics diagnostics;
  std::shared_ptr<const Registry> registry = Registry::Build(files, Catalog(), &diagnostics);
  if ((registry == nullptr) == diagnostics.empty()) std::abort();
  if (registry == nullptr) {
    (void)diagnostics.ToString();
    return 0;
  }
  Result<Catalog> stored = Catalog::Decode(registry->catalog().Encode());
  if (!stored.ok() || *stored != registry->catalog()) std::abort();
  std::shared_ptr<const Registry> again = Registry::Build(files, *stored, &diagnostics);
  if (again == nullptr || again->catalog() != *stored) std::abort();
  if (!Compare(registry.get(), *again).empty()) std::abort();
  (void)Compare(nullptr, *again);
  return 0;
}
