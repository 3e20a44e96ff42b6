// The entity that a tombstone is about, from the key of its record.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/decoder.h"
#include "registry/definitions.h"

namespace freshet::ingest {

// A record's key is a JSON object of the join keys and nothing else; that of an entity with one join
// key may also be its value alone, as JSON or, for a string, as plain text. Holds buffers: one per
// thread.
class TombstoneKeyDecoder {
 public:
  // `join_keys` must outlive it, and has one at least.
  explicit TombstoneKeyDecoder(const std::vector<registry::JoinKey>& join_keys);
  ~TombstoneKeyDecoder();

  // kNone when *entity_key is filled. Otherwise *detail says what is wrong.
  Refusal Decode(std::string_view record_key, std::string* entity_key, std::string* detail);

 private:
  struct Parser;

  Refusal ReadObject(std::string_view text, std::string* detail);
  Refusal ReadScalar(std::string_view text, std::string* detail);

  const std::vector<registry::JoinKey>& join_keys_;
  const std::unique_ptr<Parser> parser_;
  std::vector<Datum> values_;  // per join key
};

}  // namespace freshet::ingest
