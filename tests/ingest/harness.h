// What the tests of ingest share: a real store, registries from YAML, and feature values read the way serving reads them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/value.h"

#include "ingest/ingestor.h"
#include "registry/registry.h"
#include "store/store.h"
#include "support/temp_folder.h"

namespace freshet::ingest {

// Opens and, with Reopen, closes and opens one store; ends the test program when that fails.
class StoreHarness {
 public:
  StoreHarness() { Open(); }
  store::Store& store() { return *store_; }
  void Close() { store_.reset(); }
  void Open();

 private:
  testing::TempFolder folder_;
  std::unique_ptr<store::Store> store_;
};

// A registry of one file. Names keep the ids that they have in `before`.
std::shared_ptr<const registry::Registry> BuildRegistry(
    const std::string& yaml, const std::shared_ptr<const registry::Registry>& before = nullptr);

// The value of "view.feature" for a user at a read time; null (monostate) where the timeline has none, and where nothing is
// known of the user.
Value ReadFeature(store::Store& store, const registry::Registry& registry, std::string_view feature,
                  int64_t user_id, int64_t now_ms);

// The tables behind a view.
std::vector<registry::TableId> TablesOf(const registry::Registry& registry, std::string_view view);

// Looks again and again until the condition holds; ends the test program after a long time.
void WaitUntil(const std::function<bool()>& condition, std::string_view what);

}  // namespace freshet::ingest
