// Builds a registry from files: reads every definition of every file, bottom to top, so that one
// run finds all mistakes.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "registry/readers.h"
#include "registry/reading.h"
#include "registry/registry.h"
#include "registry/scope.h"

namespace freshet::registry {

class Builder {
 public:
  Builder(std::span<const DefinitionFile> files, const Catalog& catalog,
          yaml::Diagnostics* diagnostics);

  // Null when anything was reported.
  std::shared_ptr<const Registry> Build();

 private:
  // One entry of a top-level list.
  struct Item {
    yaml::Node node;
    std::string name;
    std::unique_ptr<yaml::MapReader> reader;
    bool is_first = true;  // no other has its name
  };
  // All entries under one key, of all files.
  struct Section {
    const char* key;
    const char* kind;
    size_t items_max;
    std::vector<Item> items = {};
    bool complete = true;
  };

  bool CheckSizes();
  void ReadFiles();
  void ReadFile(const DefinitionFile& file);
  void ReadSection(yaml::MapReader& reader, Section& section);
  void NameItems(Section& section);
  void ReadEntities();
  void ReadSources();
  void ReadViews();
  void ReadView(const Item& item, ViewKind kind, FeatureView* view);
  void ReadServices();
  void CheckNotEmpty();
  void AssignIds();
  void AssignViewTables(const Item& item, FeatureView& view);

  const std::span<const DefinitionFile> files_;
  const Catalog& live_;
  yaml::Diagnostics& diagnostics_;
  const Watch watch_;
  std::shared_ptr<Registry> registry_;
  Scope scope_;
  Section entities_;
  Section sources_;
  Section views_;
  Section services_;
};

}  // namespace freshet::registry
