// The guard of timelines, and of rows that a stream feeds, that come from disk: it knows the schema or
// the layout of every table in use.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "freshet/status.h"

#include "registry/registry.h"
#include "store/row.h"

namespace freshet::engine {

// Any thread.
class TimelineGuard {
 public:
  // From now on the tables of these registries are known, and no others.
  void Use(std::vector<std::shared_ptr<const registry::Registry>> registries);

  // OK when the bytes are a timeline or a row of the table. Corruption, or Internal for a table that is not
  // known.
  Status Check(uint32_t table, std::string_view bytes) const;

 private:
  struct Tables {
    std::vector<std::shared_ptr<const registry::Registry>> registries;  // own the schemas
    std::unordered_map<uint32_t, const timeline::Schema*> schemas;
    std::unordered_map<uint32_t, store::RowLayout> layouts;
  };
  mutable std::mutex mutex_;
  std::shared_ptr<const Tables> tables_ = std::make_shared<Tables>();
};

}  // namespace freshet::engine
