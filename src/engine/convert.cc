#include "engine/convert.h"

#include <utility>
#include <variant>

namespace freshet::engine {
namespace {

DefinitionChangeKind ToKind(registry::ChangeKind kind) {
  switch (kind) {
    case registry::ChangeKind::kAdd:
      return DefinitionChangeKind::kAdd;
    case registry::ChangeKind::kChange:
      return DefinitionChangeKind::kChange;
    case registry::ChangeKind::kRemove:
      return DefinitionChangeKind::kRemove;
  }
  return DefinitionChangeKind::kChange;
}

}  // namespace

std::vector<registry::DefinitionFile> ToFiles(const std::vector<DefinitionText>& texts) {
  std::vector<registry::DefinitionFile> files;
  files.reserve(texts.size());
  for (const DefinitionText& text : texts) files.push_back({text.name, text.text});
  return files;
}

std::vector<DefinitionError> ToErrors(const yaml::Diagnostics& diagnostics) {
  std::vector<DefinitionError> errors;
  for (yaml::Diagnostic& diagnostic : diagnostics.Sorted()) {
    errors.push_back({std::move(diagnostic.mark.file), diagnostic.mark.line, diagnostic.mark.column,
                      std::move(diagnostic.message)});
  }
  return errors;
}

std::vector<DefinitionChange> ToChanges(std::vector<registry::Change> changes) {
  std::vector<DefinitionChange> converted;
  converted.reserve(changes.size());
  for (registry::Change& change : changes) {
    converted.push_back({ToKind(change.kind), std::move(change.subject), std::move(change.detail),
                         change.refused, std::move(change.reason), std::move(change.way_out)});
  }
  return converted;
}

std::string_view SourceKindName(const registry::Source& source) {
  if (std::holds_alternative<registry::KafkaLog>(source.kind)) return "kafka";
  if (std::holds_alternative<registry::PushLog>(source.kind)) return "push";
  return "file";
}

const registry::Source* FirstKafkaSource(const registry::Registry& registry) {
  for (const auto& source : registry.sources()) {
    if (std::holds_alternative<registry::KafkaLog>(source->kind)) return source.get();
  }
  return nullptr;
}

store::StoreOptions ToStoreOptions(const Options& options) {
  store::StoreOptions store;
  store.path = options.data_folder;
  store.cache_bytes = options.cache_bytes;
  store.block_cache_bytes = options.block_cache_bytes;
  store.write_buffer_bytes = options.write_buffer_bytes;
  store.keep_unfinished_ms = options.load_keep_unfinished_ms;
  return store;
}

}  // namespace freshet::engine
