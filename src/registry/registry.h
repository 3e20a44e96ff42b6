// The registry: all definitions, validated and immutable. A change of definitions makes a new one.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/status.h"

#include "registry/catalog.h"
#include "registry/definitions.h"
#include "yaml/document.h"

namespace freshet::registry {

// One YAML file as it was read: its name is for messages only.
struct DefinitionFile {
  std::string name;
  std::string text;

  friend bool operator==(const DefinitionFile&, const DefinitionFile&) = default;
};

// Reads *.yaml and *.yml of a folder (not below it), sorted by name, or the one file that `path`
// names. NotFound, IoError or ResourceExhausted with the path and the way out.
Result<std::vector<DefinitionFile>> ReadDefinitionFiles(const std::string& path);

class Registry {
 public:
  // Parses and validates the files as one set of definitions. Every mistake becomes a diagnostic
  // with its place; null when there is any. Names found in `catalog` keep their ids; new ones get
  // ids from its sequence: the registry's catalog() is what must be stored once the registry is put
  // to use.
  static std::shared_ptr<const Registry> Build(std::span<const DefinitionFile> files,
                                               const Catalog& catalog,
                                               yaml::Diagnostics* diagnostics);

  const Catalog& catalog() const { return catalog_; }
  const std::vector<DefinitionFile>& files() const { return files_; }

  // In the order of the files; elements never move.
  const std::vector<std::unique_ptr<Entity>>& entities() const { return entities_; }
  const std::vector<std::unique_ptr<Source>>& sources() const { return sources_; }
  const std::vector<std::unique_ptr<FeatureView>>& feature_views() const { return feature_views_; }
  const std::vector<std::unique_ptr<FeatureService>>& feature_services() const {
    return feature_services_;
  }

  // Null when nothing has that name.
  const Source* FindSource(std::string_view name) const;
  const FeatureView* FindFeatureView(std::string_view name) const;
  const FeatureService* FindFeatureService(std::string_view name) const;
  // "view.feature". NotFound says which half is unknown and what is near.
  Result<FeatureReference> FindFeature(std::string_view name) const;

 private:
  friend class Builder;
  Registry() = default;

  Catalog catalog_;
  std::vector<DefinitionFile> files_;
  std::vector<std::unique_ptr<Entity>> entities_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<std::unique_ptr<FeatureView>> feature_views_;
  std::vector<std::unique_ptr<FeatureService>> feature_services_;
};

}  // namespace freshet::registry
