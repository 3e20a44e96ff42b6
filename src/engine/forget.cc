// Erases an entity from everything that is looked up by its keys, and says what is not.
#include <algorithm>
#include <span>
#include <variant>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/engine_impl.h"
#include "ingest/decoder.h"
#include "load/field_value.h"
#include "store/entity_key.h"

namespace freshet::engine {
namespace {

using JoinKeys = std::map<std::string, std::string>;
using registry::Entity;
using registry::FeatureView;

bool HasJoinKey(const Entity& entity, const std::string& name) {
  return std::any_of(entity.join_keys.begin(), entity.join_keys.end(),
                     [&](const registry::JoinKey& key) { return key.name == name; });
}

bool IsNamedBy(const Entity& entity, const JoinKeys& join_keys) {
  return entity.join_keys.size() == join_keys.size() &&
         std::all_of(join_keys.begin(), join_keys.end(),
                     [&](const auto& given) { return HasJoinKey(entity, given.first); });
}

bool HasAllOf(const Entity& entity, const JoinKeys& join_keys) {
  return std::all_of(join_keys.begin(), join_keys.end(),
                     [&](const auto& given) { return HasJoinKey(entity, given.first); });
}

std::string KeyNames(const Entity& entity) {
  std::vector<std::string> names;
  for (const registry::JoinKey& key : entity.join_keys) names.push_back(key.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

Status NoSuchEntity(const registry::Registry& registry, const JoinKeys& join_keys) {
  std::vector<std::string> given;
  for (const auto& [name, value] : join_keys) given.push_back(name);
  std::vector<std::string> known;
  for (const auto& entity : registry.entities())
    known.push_back(fmt::format("{} ({})", entity->name, KeyNames(*entity)));
  return Status::InvalidArgument(
      fmt::format("no entity has the join keys {}; entities and their join keys are: {}",
                  fmt::join(given, ", "), fmt::join(known, "; ")));
}

Result<std::string> EncodeKey(const Entity& entity, const JoinKeys& join_keys) {
  std::string bytes;
  for (const registry::JoinKey& key : entity.join_keys) {
    const std::string& text = join_keys.at(key.name);
    Datum value;
    std::string decoded;
    if (load::ReadText(key.type, std::nullopt, text, &value, &decoded) != load::Problem::kNone) {
      return Status::InvalidArgument(fmt::format(
          "{}: '{}' is not of the type {}{}", key.name, load::Shortened(text), TypeName(key.type),
          key.type == Type::kBytes ? ", which is written in base64" : ""));
    }
    FRESHET_RETURN_IF_ERROR(store::AppendEntityKey(key.type, value, bytes).Prefixed(key.name));
  }
  return bytes;
}

// Where the data of an entity of a source may still be, once its views have forgotten it.
std::string Remains(const registry::Source& source) {
  if (const auto* kafka = std::get_if<registry::KafkaLog>(&source.kind)) {
    return fmt::format(
        "source {}: the events in the Kafka topic {}{}; a view that is added later reads them "
        "again",
        source.name, kafka->topic,
        kafka->dead_letter_topic.empty()
            ? ""
            : fmt::format(", and those that could not be used in {}", kafka->dead_letter_topic));
  }
  return fmt::format(
      "source {}: the files that rows were loaded from; the next load brings back what "
      "they have",
      source.name);
}

const registry::Source* SourceOf(const FeatureView& view) {
  if (view.stream() != nullptr) return view.stream()->source;
  return view.batch() != nullptr ? view.batch()->source : nullptr;
}

// Which events of a source are of one entity, for any view of it.
class EventMatcher {
 public:
  // All must outlive it.
  EventMatcher(const registry::Registry& registry, const registry::Source& source,
               const Entity& entity, std::string_view key)
      : entity_(entity), key_(key), decoder_(ingest::NewJsonDecoder(source)) {
    for (const auto& view : registry.feature_views()) {
      if (view->entity != &entity || view->fed_by() != &source) continue;
      key_fields_.push_back(view->stream() != nullptr ? &view->stream()->key_fields
                                                      : &view->batch()->key_fields);
    }
  }

  bool has_views() const { return !key_fields_.empty(); }
  uint64_t unreadable() const { return unreadable_; }

  bool Matches(std::string_view payload) {
    if (decoder_->Decode(payload, &event_, &detail_) != ingest::Refusal::kNone) {
      ++unreadable_;
      return false;
    }
    return std::any_of(key_fields_.begin(), key_fields_.end(),
                       [&](const std::vector<uint32_t>* fields) { return HasKey(*fields); });
  }

 private:
  bool HasKey(const std::vector<uint32_t>& fields) {
    bytes_.clear();
    for (size_t i = 0; i < fields.size(); ++i) {
      const Status status =
          store::AppendEntityKey(entity_.join_keys[i].type, event_.values[fields[i]], bytes_);
      if (!status.ok()) return false;
    }
    return bytes_ == key_;
  }

  const Entity& entity_;
  const std::string_view key_;
  const std::unique_ptr<ingest::Decoder> decoder_;
  std::vector<const std::vector<uint32_t>*> key_fields_;
  ingest::DecodedEvent event_;
  std::string detail_;
  std::string bytes_;
  uint64_t unreadable_ = 0;
};

// Forgets one entity, view by view.
class Forgetting {
 public:
  Forgetting(store::Store& store, ingest::Ingestor& ingestor, ForgetReceipt& receipt)
      : store_(store), ingestor_(ingestor), receipt_(receipt) {}

  // Logs go first: what is erased there cannot find its way into a timeline any more.
  Status Run(const registry::Registry& registry, const Entity& entity, std::string_view key) {
    for (const auto& source : registry.sources())
      FRESHET_RETURN_IF_ERROR(EraseEvents(registry, *source, entity, key));
    for (const auto& view : registry.feature_views()) {
      if (view->entity != &entity) continue;
      if (view->fed_by() != nullptr) {
        FRESHET_RETURN_IF_ERROR(EraseFed(*view, key));
      } else if (view->batch() != nullptr) {
        FRESHET_RETURN_IF_ERROR(EraseRows(*view, key));
      }
      const registry::Source* source = SourceOf(*view);
      const bool is_erased =
          source == nullptr || std::holds_alternative<registry::PushLog>(source->kind);
      if (!is_erased) AddRemaining(Remains(*source));
    }
    return store_.Purge(erased_);
  }

 private:
  Status EraseEvents(const registry::Registry& registry, const registry::Source& source,
                     const Entity& entity, std::string_view key) {
    if (!std::holds_alternative<registry::PushLog>(source.kind)) return Status::Ok();
    EventMatcher matcher(registry, source, entity, key);
    if (!matcher.has_views()) return Status::Ok();
    const Result<uint64_t> count = store_.EraseLogRecords(
        source.id, [&](const store::LogRecord& record) { return matcher.Matches(record.payload); });
    if (!count.ok()) return count.status().Prefixed(source.name);
    receipt_.parts.push_back({source.name, "pushed events", *count});
    if (matcher.unreadable() > 0) {
      AddRemaining(fmt::format(
          "source {}: {} pushed records that cannot be read as its events stay in its log as they "
          "came",
          source.name, matcher.unreadable()));
    }
    return Status::Ok();
  }

  // What a stream feeds.
  Status EraseFed(const FeatureView& view, std::string_view key) {
    std::vector<store::StateKey> state;
    for (const registry::TableId table : view.fed_tables())
      state.push_back({store::TableKind::kTimelines, table, key});
    const Result<std::vector<bool>> found = ingestor_.Erase(state);
    if (!found.ok()) return found.status().Prefixed(view.name);
    const std::string what = view.stream() != nullptr ? "timeline" : "row";
    for (const bool was_there : *found)
      receipt_.parts.push_back({view.name, what, was_there ? 1u : 0u});
    erased_.insert(erased_.end(), state.begin(), state.end());
    return Status::Ok();
  }

  Status EraseRows(const FeatureView& view, std::string_view key) {
    const auto erased = store_.EraseRows(view.id, key);
    if (!erased.ok()) return erased.status().Prefixed(view.name);
    receipt_.parts.push_back({view.name, "row", erased->was_served ? 1u : 0u});
    receipt_.parts.push_back({view.name, "row of the load before", erased->was_previous ? 1u : 0u});
    for (const auto& generation :
         {store_.FindGeneration(view.id), store_.FindPreviousGeneration(view.id)}) {
      if (generation != nullptr)
        erased_.push_back({store::TableKind::kRows, generation->table, key});
    }
    return Status::Ok();
  }

  void AddRemaining(std::string sentence) {
    std::vector<std::string>& all = receipt_.remaining;
    if (std::find(all.begin(), all.end(), sentence) == all.end())
      all.push_back(std::move(sentence));
  }

  store::Store& store_;
  ingest::Ingestor& ingestor_;
  ForgetReceipt& receipt_;
  std::vector<store::StateKey> erased_;
};

}  // namespace

Status EngineImpl::DropUnneededFirst(const registry::Registry& registry) {
  if (!ingest_is_behind_ || leftovers_.empty()) return DropUnneeded(registry);
  return Status::FailedPrecondition(
      "streams of removed definitions may still be read, since the last change did not come to its "
      "end; apply again, or start the server again, then forget");
}

Result<ForgetReceipt> EngineImpl::Forget(const JoinKeys& join_keys) {
  std::lock_guard lock(change_mutex_);
  if (is_stopped_) return Status::Unavailable("the engine is stopping; forget at the next one");
  const std::shared_ptr<const registry::Registry> registry = live_.Get()->registry;
  // It may have the entity, and no status shows it.
  FRESHET_RETURN_IF_ERROR(DropUnneededFirst(*registry).Prefixed("nothing is erased yet"));
  ForgetReceipt receipt;
  bool is_named = false;
  for (const auto& entity : registry->entities()) {
    if (join_keys.empty() || !HasAllOf(*entity, join_keys)) continue;
    if (!IsNamedBy(*entity, join_keys)) {
      receipt.remaining.push_back(fmt::format(
          "entity {}: it has more join keys ({}); name all of them to forget one of these",
          entity->name, KeyNames(*entity)));
      continue;
    }
    is_named = true;
    FRESHET_ASSIGN_OR_RETURN(const std::string key, EncodeKey(*entity, join_keys));
    Forgetting forgetting(*store_, *ingestor_, receipt);
    FRESHET_RETURN_IF_ERROR(forgetting.Run(*registry, *entity, key));
  }
  if (!is_named) return NoSuchEntity(*registry, join_keys);
  if (const size_t left = store_->Stats().generations_to_remove; left > 0) {
    receipt.remaining.push_back(fmt::format(
        "{} loads that went out are being removed in the background, rows and all; freshet status "
        "shows when they are gone (store_generations_to_remove)",
        left));
  }
  return receipt;
}

}  // namespace freshet::engine
