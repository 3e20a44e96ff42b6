#include "engine/timeline_guard.h"

#include <utility>

#include <fmt/format.h>

#include "registry/tables.h"
#include "store/stream_row.h"

namespace freshet::engine {

void TimelineGuard::Use(std::vector<std::shared_ptr<const registry::Registry>> registries) {
  auto tables = std::make_shared<Tables>();
  for (const auto& registry : registries) {
    for (const auto& view : registry->feature_views()) {
      if (const registry::BatchView* batch = view->batch()) {
        for (const registry::RowTable& table : batch->tables)
          tables->layouts.emplace(table.id, registry::ColumnTypesOf(*view, table));
      }
      if (view->stream() == nullptr) continue;
      for (const registry::TimelineTable& table : view->stream()->tables) {
        tables->schemas[table.id] = &table.schema;
      }
    }
  }
  tables->registries = std::move(registries);
  std::shared_ptr<const Tables> fresh = std::move(tables);
  std::lock_guard lock(mutex_);
  tables_.swap(fresh);
}

Status TimelineGuard::Check(uint32_t table, std::string_view bytes) const {
  std::shared_ptr<const Tables> tables;
  {
    std::lock_guard lock(mutex_);
    tables = tables_;
  }
  const auto layout = tables->layouts.find(table);
  if (layout != tables->layouts.end()) return store::StreamRow::Validate(layout->second, bytes);
  const auto schema = tables->schemas.find(table);
  if (schema == tables->schemas.end()) {
    return Status::Internal(
        fmt::format("timelines of table {} are read, which no definition has", table));
  }
  return timeline::Validate(*schema->second, bytes);
}

}  // namespace freshet::engine
