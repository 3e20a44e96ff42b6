// The catalog: which ids the names of the definitions have been given. It is stored with the state,
// so that a restart and a change of definitions find the bytes again.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/status.h"

namespace freshet::registry {

// One table that a stream feeds, of timelines or of rows, and the features that are read from it.
struct CatalogTable {
  uint32_t id = 0;
  std::vector<std::string> features;  // within the view, e.g. "clicks_1m"; in the order that the
                                      // layout follows
  // What the bytes of its timelines or rows hang on, spelled out. A registry that was built again from the
  // stored definitions and the stored catalog must come to the same.
  std::string layout;

  friend bool operator==(const CatalogTable&, const CatalogTable&) = default;
};

struct CatalogView {
  uint32_t id = 0;
  std::vector<CatalogTable> tables;  // empty where no stream feeds the view

  friend bool operator==(const CatalogView&, const CatalogView&) = default;
};

struct Catalog {
  uint32_t next_id =
      1;  // ids of sources, views and tables come from one sequence and are never reused
  std::map<std::string, uint32_t, std::less<>> sources;
  std::map<std::string, CatalogView, std::less<>> views;

  // The stored form; specified in docs/formats.md.
  std::string Encode() const;
  static Result<Catalog> Decode(std::string_view bytes);

  friend bool operator==(const Catalog&, const Catalog&) = default;
};

}  // namespace freshet::registry
