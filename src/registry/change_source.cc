// Changes of entities and sources.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/time.h"
#include "registry/change_draft.h"
#include "registry/file_format.h"

namespace freshet::registry {
namespace {

const Entity* FindEntity(const Registry& registry, const std::string& name) {
  for (const auto& entity : registry.entities()) {
    if (entity->name == name) return entity.get();
  }
  return nullptr;
}

const Source* SourceOf(const FeatureView& view) {
  if (view.stream() != nullptr) return view.stream()->source;
  if (view.batch() != nullptr) return view.batch()->source;
  return nullptr;
}

template <typename Predicate>
std::string ViewsWith(const Registry& registry, Predicate predicate) {
  std::vector<std::string> names;
  for (const auto& view : registry.feature_views()) {
    if (predicate(*view)) names.push_back(view->name);
  }
  return Listed(names);
}

std::string KeysText(const Entity& entity) {
  std::vector<std::string> keys;
  for (const JoinKey& key : entity.join_keys)
    keys.push_back(fmt::format("{} {}", key.name, TypeName(key.type)));
  return keys.empty() ? "none" : fmt::format("{}", fmt::join(keys, ", "));
}

void CompareEntity(const Registry& live_registry, const Entity& live, const Entity& next,
                   std::vector<Change>* changes) {
  ChangeDraft draft(fmt::format("entity {}", next.name));
  draft.NoteIfDifferent("description", live.description, next.description);
  std::string views =
      ViewsWith(live_registry, [&](const FeatureView& view) { return view.entity == &live; });
  if (views.empty()) {
    draft.NoteIfDifferent("join keys", KeysText(live), KeysText(next));
  } else {
    draft.RefuseIfDifferent("join keys", KeysText(live), KeysText(next),
                            fmt::format("the state of {} is stored under these join keys", views),
                            "define another entity, and views of it under new names");
  }
  std::move(draft).AddTo(changes);
}

std::string KindText(const Source& source) {
  if (const auto* kafka = std::get_if<KafkaLog>(&source.kind))
    return fmt::format("kafka topic {}", kafka->topic);
  return std::holds_alternative<PushLog>(source.kind) ? "push" : "file";
}

std::string TimestampText(const Source& source) {
  constexpr std::string_view kUnits[] = {"rfc3339", "s", "ms", "us", "ns"};
  return fmt::format("{} ({})", source.timestamp.field,
                     kUnits[static_cast<size_t>(source.timestamp.unit)]);
}

std::string SkewText(const Source& source) {
  return source.clock_skew_ms == 0 ? "" : FormatDurationMs(source.clock_skew_ms);
}

std::string DeduplicateText(const Source& source) {
  if (!source.deduplication.has_value()) return "";
  return fmt::format("{} within {}", source.fields[source.deduplication->field].name,
                     FormatDurationMs(source.deduplication->within_ms));
}

std::string DeadLettersText(const Source& source) {
  const auto* kafka = std::get_if<KafkaLog>(&source.kind);
  return kafka == nullptr ? "" : kafka->dead_letter_topic;
}

std::string FileText(const Source& source) {
  const auto* file = std::get_if<FileRows>(&source.kind);
  if (file == nullptr) return "";
  std::string text = fmt::format("{} ({})", file->path, FileFormatName(file->format));
  if (!file->nulls.empty()) text += fmt::format(" nulls [{}]", fmt::join(file->nulls, ", "));
  return text;
}

const Field* FindField(const Source& source, const std::string& name) {
  auto found = std::find_if(source.fields.begin(), source.fields.end(),
                            [&](const Field& each) { return each.name == name; });
  return found == source.fields.end() ? nullptr : &*found;
}

// Changes the meaning of what is live when a live view reads the source.
class MeaningGuard {
 public:
  MeaningGuard(ChangeDraft& draft, std::string views) : draft_(draft), views_(std::move(views)) {}

  void Check(std::string_view what, const std::string& live, const std::string& next) {
    if (views_.empty()) return draft_.NoteIfDifferent(what, live, next);
    draft_.RefuseIfDifferent(
        what, live, next,
        fmt::format("the live values of {} were computed with the old {}", views_, what),
        "define another source, and views over it under new names");
  }

 private:
  ChangeDraft& draft_;
  const std::string views_;
};

void CompareFields(const Source& live, const Source& next, ChangeDraft& draft,
                   MeaningGuard& guard) {
  for (const Field& field : next.fields) {
    const Field* before = FindField(live, field.name);
    if (before == nullptr) {
      draft.Note(fmt::format("new field {} {}", field.name, TypeName(field.type)));
    } else {
      guard.Check(fmt::format("type of field {}", field.name), std::string(TypeName(before->type)),
                  std::string(TypeName(field.type)));
    }
  }
  for (const Field& field : live.fields) {
    if (FindField(next, field.name) == nullptr)
      draft.Note(fmt::format("field {} is gone", field.name));
  }
}

void CompareSource(const Registry& live_registry, const Source& live, const Source& next,
                   std::vector<Change>* changes) {
  ChangeDraft draft(fmt::format("source {}", next.name));
  draft.NoteIfDifferent("description", live.description, next.description);
  MeaningGuard guard(draft, ViewsWith(live_registry, [&](const FeatureView& view) {
                       return SourceOf(view) == &live;
                     }));
  bool was_push = std::holds_alternative<PushLog>(live.kind);
  if (was_push && !std::holds_alternative<PushLog>(next.kind)) {
    draft.Refuse(fmt::format("kind: push -> {}", KindText(next)),
                 "the events that were pushed are kept under this source",
                 "define another source, or remove this one first, which deletes its events");
  } else {
    guard.Check("kind", KindText(live), KindText(next));
  }
  guard.Check("timestamp", TimestampText(live), TimestampText(next));
  if (live.is_stream() && next.is_stream())
    guard.Check("clock_skew", SkewText(live), SkewText(next));
  guard.Check("deduplicate", DeduplicateText(live), DeduplicateText(next));
  CompareFields(live, next, draft, guard);
  draft.NoteIfDifferent("dead_letter_topic", DeadLettersText(live), DeadLettersText(next));
  if (!live.is_stream() && !next.is_stream())
    draft.NoteIfDifferent("file", FileText(live), FileText(next));
  std::move(draft).AddTo(changes);
}

}  // namespace

void CompareEntities(const Registry& live, const Registry& next, std::vector<Change>* changes) {
  for (const auto& entity : next.entities()) {
    const Entity* before = FindEntity(live, entity->name);
    if (before != nullptr) {
      CompareEntity(live, *before, *entity, changes);
    } else {
      changes->push_back(Added(fmt::format("entity {}", entity->name),
                               fmt::format("join keys: {}", KeysText(*entity))));
    }
  }
  for (const auto& entity : live.entities()) {
    if (FindEntity(next, entity->name) == nullptr)
      changes->push_back(Removed(fmt::format("entity {}", entity->name), "no view uses it"));
  }
}

void CompareSources(const Registry& live, const Registry& next, std::vector<Change>* changes) {
  for (const auto& source : next.sources()) {
    const Source* before = live.FindSource(source->name);
    if (before != nullptr) {
      CompareSource(live, *before, *source, changes);
    } else {
      changes->push_back(
          Added(fmt::format("source {}", source->name),
                fmt::format("{}, {} fields", KindText(*source), source->fields.size())));
    }
  }
  for (const auto& source : live.sources()) {
    if (next.FindSource(source->name) != nullptr) continue;
    bool was_push = std::holds_alternative<PushLog>(source->kind);
    changes->push_back(
        Removed(fmt::format("source {}", source->name),
                was_push ? "the events that were pushed to it are deleted" : "no view reads it"));
  }
}

}  // namespace freshet::registry
