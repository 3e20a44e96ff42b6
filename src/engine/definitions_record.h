// The definitions record: what the store keeps of the definitions, in one piece. Specified in
// docs/formats.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/status.h"

#include "registry/catalog.h"
#include "registry/registry.h"

namespace freshet::engine {

// Ids of what definitions no longer name while its bytes may still be stored. They stand in the
// record until the bytes are gone, so that a process that ends in between leaves nothing behind for
// good.
struct Leftovers {
  std::vector<uint32_t> tables;   // of streams: state and positions
  std::vector<uint32_t> views;    // generations of batch views
  std::vector<uint32_t> sources;  // event logs

  bool empty() const { return tables.empty() && views.empty() && sources.empty(); }
  friend bool operator==(const Leftovers&, const Leftovers&) = default;
};

struct DefinitionsRecord {
  std::vector<registry::DefinitionFile> files;
  registry::Catalog catalog;
  Leftovers leftovers;
};

std::string EncodeDefinitions(const DefinitionsRecord& record);
// Corruption when the bytes are not such a record, or of another version.
Result<DefinitionsRecord> DecodeDefinitions(std::string_view bytes);

// What `live` stores and `next` does not name.
Leftovers FindLeftovers(const registry::Registry& live, const registry::Registry& next);

}  // namespace freshet::engine
