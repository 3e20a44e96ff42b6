// Registries from YAML texts.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "registry/registry.h"

namespace freshet::registry {

inline std::shared_ptr<const Registry> TryBuild(const std::string& text,
                                                yaml::Diagnostics* diagnostics,
                                                const Catalog& catalog = {}) {
  std::vector<DefinitionFile> files = {{"a.yaml", text}};
  return Registry::Build(files, catalog, diagnostics);
}

// Builds what must be right.
inline std::shared_ptr<const Registry> BuildText(const std::string& text,
                                                 const Catalog& catalog = {}) {
  yaml::Diagnostics diagnostics;
  std::shared_ptr<const Registry> registry = TryBuild(text, &diagnostics, catalog);
  EXPECT_NE(registry, nullptr) << diagnostics.ToString() << "\nin\n" << text;
  return registry;
}

}  // namespace freshet::registry
