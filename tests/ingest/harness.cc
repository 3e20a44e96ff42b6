#include "harness.h"

#include <chrono>
#include <cstdlib>
#include <thread>

#include <fmt/format.h>

#include "store/entity_key.h"

namespace freshet::ingest {
namespace {

[[noreturn]] void Fail(const std::string& message) {
  fmt::print(stderr, "{}\n", message);
  std::abort();
}

}  // namespace

void StoreHarness::Open() {
  store_.reset();
  store::StoreOptions options;
  options.path = folder_.path();
  auto opened = store::Store::Open(options);
  if (!opened.ok()) Fail(opened.status().ToString());
  store_ = std::move(*opened);
}

std::shared_ptr<const registry::Registry> BuildRegistry(
    const std::string& yaml, const std::shared_ptr<const registry::Registry>& before) {
  const std::vector<registry::DefinitionFile> files = {{"test.yaml", yaml}};
  yaml::Diagnostics diagnostics;
  auto registry = registry::Registry::Build(
      files, before == nullptr ? registry::Catalog() : before->catalog(), &diagnostics);
  if (registry == nullptr) Fail(diagnostics.ToString());
  return registry;
}

Value ReadFeature(store::Store& store, const registry::Registry& registry, std::string_view feature,
                  int64_t user_id, int64_t now_ms) {
  const auto reference = registry.FindFeature(feature);
  if (!reference.ok()) Fail(reference.status().ToString());
  const registry::StreamView& stream = *reference->view->stream();
  const registry::WindowedFeature& windowed = stream.windowed[reference->feature];
  const registry::TimelineTable& table = stream.tables[windowed.table];
  timeline::Reader reader(table.schema, {windowed.want});
  std::string key;
  if (!store::AppendEntityKey(Type::kInt64, Datum::Int(user_id), key).ok()) Fail("bad key");
  const store::StateKey state_key{store::TableKind::kTimelines, table.id, key};
  Value value;
  const Status looked = store.Lookup({&state_key, 1}, [&](size_t, std::string_view bytes) {
    if (bytes.empty()) return;
    const timeline::WindowedValue& read = reader.Read(bytes, now_ms)[0];
    if (read.outcome == timeline::ReadOutcome::kValue) value = ToValue(read.value);
  });
  if (!looked.ok()) Fail(looked.ToString());
  return value;
}

std::vector<registry::TableId> TablesOf(const registry::Registry& registry, std::string_view view) {
  std::vector<registry::TableId> tables;
  for (const registry::TimelineTable& table : registry.FindFeatureView(view)->stream()->tables) {
    tables.push_back(table.id);
  }
  return tables;
}

void WaitUntil(const std::function<bool()>& condition, std::string_view what) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) Fail(fmt::format("still not: {}", what));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace freshet::ingest
