#include <algorithm>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "base/log.h"
#include "engine/convert.h"
#include "engine/engine_impl.h"
#include "load/kept_load.h"
#include "registry/change.h"

namespace freshet::engine {

Result<PlanOutcome> EngineImpl::Plan(const std::vector<DefinitionText>& files) {
  return Consider(files).outcome;
}

Result<PlanOutcome> EngineImpl::Apply(const std::vector<DefinitionText>& files) {
  std::lock_guard lock(change_mutex_);
  if (is_stopped_)
    return Status::Unavailable("the engine is stopping; apply again to the next one");
  Draft draft = Consider(files);
  if (!draft.outcome.applicable()) return std::move(draft.outcome);
  const bool is_applied = draft.registry->files() == live_.Get()->registry->files();
  if (!is_applied || ingest_is_behind_) FRESHET_RETURN_IF_ERROR(Install(std::move(draft.registry)));
  return std::move(draft.outcome);
}

EngineImpl::Draft EngineImpl::Consider(const std::vector<DefinitionText>& files) const {
  const std::shared_ptr<const registry::Registry> live = live_.Get()->registry;
  Draft draft;
  yaml::Diagnostics diagnostics;
  draft.registry = registry::Registry::Build(ToFiles(files), live->catalog(), &diagnostics);
  if (draft.registry == nullptr) {
    draft.outcome.errors = ToErrors(diagnostics);
    return draft;
  }
  draft.outcome.changes = ToChanges(registry::Compare(live.get(), *draft.registry));
  RefuseKafkaWithoutBrokers(draft);
  return draft;
}

void EngineImpl::RefuseKafkaWithoutBrokers(Draft& draft) const {
  if (!options_.kafka_brokers.empty()) return;
  for (const auto& source : draft.registry->sources()) {
    if (!std::holds_alternative<registry::KafkaLog>(source->kind)) continue;
    const std::string subject = fmt::format("source {}", source->name);
    std::vector<DefinitionChange>& changes = draft.outcome.changes;
    auto change = std::find_if(changes.begin(), changes.end(), [&](const DefinitionChange& other) {
      return other.subject == subject;
    });
    if (change == changes.end()) {
      change = changes.insert(changes.end(),
                              {DefinitionChangeKind::kChange, subject, "", false, "", ""});
    }
    if (change->refused) continue;
    change->refused = true;
    change->reason = fmt::format(
        "source '{}' reads a Kafka topic, but the server knows no Kafka brokers", source->name);
    change->way_out = "set kafka.brokers in the server's configuration and start it again";
  }
}

// What a crash leaves, step by step:
//   before the record is written   the old definitions, whole.
//   after it                       the new ones: the next start builds on the record, starts lanes
//                                  for new tables where the log begins, and removes the leftovers
//                                  that the record names.
//   after the leftovers are gone   the same; ids are never given out again, so that removing them
//                                  once more does nothing.
Status EngineImpl::Install(std::shared_ptr<const registry::Registry> next) {
  const std::shared_ptr<const registry::Registry> live = live_.Get()->registry;
  const Leftovers before = leftovers_;
  const Leftovers removed = FindLeftovers(*live, *next);
  leftovers_.tables.insert(leftovers_.tables.end(), removed.tables.begin(), removed.tables.end());
  leftovers_.views.insert(leftovers_.views.end(), removed.views.begin(), removed.views.end());
  leftovers_.sources.insert(leftovers_.sources.end(), removed.sources.begin(),
                            removed.sources.end());
  if (Status status = WriteRecord(*next); !status.ok()) {
    leftovers_ = before;
    return status;
  }

  // Requests on the old plans may still read old tables, and the new lanes write new ones.
  guard_.Use({live, next});
  FRESHET_RETURN_IF_ERROR(server_->Apply(next));
  ApplyRetention(*next);
  const Status ingest = ingestor_->Apply(next);
  live_.Swap(std::make_unique<const Live>(Live{next}));
  ingest_is_behind_ = !ingest.ok();
  if (!ingest.ok()) {
    return ingest.Prefixed(
        "the definitions are stored and served, but not all of their streams are read; apply "
        "again, or "
        "start the server again");
  }
  guard_.Use({next});
  DropUnneededOrWarn(*next);
  return Status::Ok();
}

void EngineImpl::ApplyRetention(const registry::Registry& registry) {
  std::map<uint32_t, int64_t> loaded_ms;
  std::map<store::TableId, int64_t> fed_ms;
  for (const auto& view : registry.feature_views()) {
    if (view->batch() == nullptr || !view->batch()->retention_ms.has_value()) continue;
    if (view->fed_by() == nullptr) loaded_ms[view->id] = *view->batch()->retention_ms;
    for (const registry::TableId table : view->fed_tables())
      fed_ms[table] = *view->batch()->retention_ms;
  }
  store_->SetRetention(std::move(loaded_ms));
  store_->SetStreamRetention(std::move(fed_ms));
}

Status EngineImpl::WriteRecord(const registry::Registry& registry) {
  return store_->WriteDefinitions(
      EncodeDefinitions({registry.files(), registry.catalog(), leftovers_}));
}

void EngineImpl::DropUnneededOrWarn(const registry::Registry& registry) {
  if (Status status = DropUnneeded(registry); !status.ok())
    LogWarning("{}; the next change or start removes it", status.message());
}

Status EngineImpl::DropUnneeded(const registry::Registry& registry) {
  Status leftovers =
      DropLeftovers(registry).Prefixed("what removed definitions had stored is still there");
  Status loads = load::DiscardUnfit(registry, *store_)
                     .Prefixed("an unfinished load of a view that was changed is still there");
  return leftovers.ok() ? std::move(loads) : std::move(leftovers);
}

Status EngineImpl::DropLeftovers(const registry::Registry& registry) {
  if (leftovers_.empty()) return Status::Ok();
  const Leftovers named = leftovers_;
  Status status = DropStored();
  if (status.ok()) {
    leftovers_ = {};
    status = WriteRecord(registry);
  }
  if (!status.ok()) leftovers_ = named;
  return status;
}

Status EngineImpl::DropStored() const {
  FRESHET_RETURN_IF_ERROR(store_->DropTables(leftovers_.tables));
  for (uint32_t source : leftovers_.sources) FRESHET_RETURN_IF_ERROR(store_->DropLog(source));
  return store_->DropGenerations(leftovers_.views);
}

}  // namespace freshet::engine
