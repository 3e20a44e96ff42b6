// An answer in one block: what a FeatureResponse holds column by column, in a handful of arrays, so
// that an answer costs what its values cost and hardly more for being of many features. Servers in
// front of the engine write from it.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/features.h"
#include "freshet/value.h"

namespace freshet {

// The features of an answer, in order: made once for a service or a list of features, and shared by
// all its answers.
struct FeatureShape {
  struct Feature {
    std::string name;  // "view.feature"
    Type type;         // of a list: of its elements
    bool is_list = false;
    uint32_t list = 0;  // of a list: which of FeatureBlock::lists it is
  };
  std::vector<Feature> features;
};

// Feature after feature: row r of feature f stands at f * row_count + r of each array. More may stand
// behind the last feature; it is the engine's own.
struct FeatureBlock {
  std::shared_ptr<const FeatureShape> shape;
  uint32_t row_count = 0;
  int64_t read_time_ms = 0;
  // An integer or the bits of a double, as in a Column; of a string where it stands in `texts`; of a
  // list nothing that a reader could use.
  std::vector<uint64_t> words;
  // Strings, each its bytes and then, where its word says, their number as four bytes.
  std::string texts;
  struct List {
    std::vector<uint32_t> lengths;  // a row each
    std::vector<uint64_t> words;    // the elements of all rows, one list after the other
  };
  std::vector<List> lists;
  std::vector<FeatureStatus> statuses;
  std::vector<uint32_t> absent_counts;  // per feature: the rows that are not PRESENT
  // When asked for, else empty; as in a FeatureColumn.
  std::vector<int64_t> event_times_ms;
  struct Failure {
    uint32_t feature = 0;
    uint32_t row = 0;
    std::string reason;
  };
  std::vector<Failure>
      failures;  // by feature, then by row; not more of a feature than in a FeatureColumn
  std::vector<SourceAsOf> as_of;
  std::optional<PhaseTimes> phases;

  size_t feature_count() const { return shape == nullptr ? 0 : shape->features.size(); }
  // The memory that its arrays keep for the next answer.
  size_t held_bytes() const {
    size_t bytes = texts.capacity() + words.capacity() * sizeof(uint64_t) + statuses.capacity() +
                   event_times_ms.capacity() * sizeof(int64_t);
    for (const List& list : lists)
      bytes +=
          list.words.capacity() * sizeof(uint64_t) + list.lengths.capacity() * sizeof(uint32_t);
    return bytes;
  }
  // Of a string.
  std::string_view TextOf(uint64_t word) const {
    uint32_t size = 0;
    std::memcpy(&size, texts.data() + word, sizeof(size));
    return {texts.data() + word - size, size};
  }
  // Appends a string, which may stand in `texts` already, and tells its word.
  uint64_t AddText(std::string_view text) {
    const auto size = static_cast<uint32_t>(text.size());
    texts.append(text);
    const uint64_t word = texts.size();
    texts.append(reinterpret_cast<const char*>(&size), sizeof(size));
    return word;
  }
};

// The same answer column by column.
void ToResponse(const FeatureBlock& block, FeatureResponse* response);

}  // namespace freshet
