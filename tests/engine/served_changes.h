// Random events, and random files of rows.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/served_case.h"
#include "engine/served_oracle.h"

namespace freshet::served {

Event RandomEvent(Random& random, const Case& definitions, const std::string& source,
                  int64_t now_ms);
std::string JsonOf(const Event& event);

struct File {
  std::string csv;
  std::vector<std::pair<Key, Row>> rows;
};
// Some columns may be lacking, as of an upsert; the column `gone` tells what is deleted.
File RandomFile(Random& random, const View& view, const Entity& entity, int64_t now_ms,
                bool may_lack, bool has_deletions);

// As the command line and the log of what was asked for write it.
std::string KeyText(Type type, const Value& value);

}  // namespace freshet::served
