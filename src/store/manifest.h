// What a folder of built rows says of itself: its file MANIFEST, which is written last, so that a folder
// that has one is whole. Specified in docs/formats.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/status.h"
#include "freshet/value.h"

#include "store/store.h"

namespace freshet::store {

inline constexpr std::string_view kManifestName = "MANIFEST";

struct NamedTypes {
  std::vector<std::string> names;
  std::vector<Type> types;

  friend bool operator==(const NamedTypes&, const NamedTypes&) = default;
};

// Which view rows are of, and how they are laid out.
struct RowShape {
  std::string view;
  NamedTypes join_keys;  // in the order in the entity key
  NamedTypes columns;

  friend bool operator==(const RowShape&, const RowShape&) = default;
};

struct Manifest {
  struct File {
    std::string name;  // in the folder
    uint64_t bytes = 0;
    uint64_t checksum = 0;  // XXH3 of the file
    uint64_t rows = 0;
    std::string first_key;  // entity keys
    std::string last_key;

    friend bool operator==(const File&, const File&) = default;
  };

  uint64_t row_count() const;
  uint64_t byte_count() const;

  friend bool operator==(const Manifest&, const Manifest&) = default;

  RowShape shape;
  int64_t built_at_ms = 0;
  ReadCounts read;
  uint64_t rows_duplicate = 0;  // as LoadCounts has them
  uint64_t rows_deleted = 0;
  std::vector<File> files;  // in the order of their keys
};

std::string EncodeManifest(const Manifest& manifest);
// Corruption unless EncodeManifest can have written the bytes and the files' keys are in order;
// FailedPrecondition when another version did.
Result<Manifest> DecodeManifest(std::string_view bytes);

}  // namespace freshet::store
