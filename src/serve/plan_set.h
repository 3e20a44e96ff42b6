// All compiled plans of one registry: those of its services, and those of lists that requests asked
// for.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "freshet/status.h"

#include "registry/registry.h"
#include "serve/query.h"

namespace freshet::serve {

// Any thread.
class PlanSet {
 public:
  // Compiles every feature service of the registry.
  explicit PlanSet(std::shared_ptr<const registry::Registry> registry);

  // The plan of a service or, where `service` is empty, of a list of features. NotFound names what
  // is unknown and what is near; InvalidArgument for a feature that is listed twice.
  Result<std::shared_ptr<Query>> Find(std::string_view service,
                                      std::span<const std::string> features);

 private:
  struct NameHash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };
  struct ListPlan {
    std::string key;
    std::shared_ptr<Query> query;
  };

  Result<std::shared_ptr<Query>> FindList(std::span<const std::string> features);
  Result<std::shared_ptr<Query>> CompileList(std::span<const std::string> features) const;

  const std::shared_ptr<const registry::Registry> registry_;
  std::unordered_map<std::string, std::shared_ptr<Query>, NameHash, std::equal_to<>> services_;

  std::mutex lists_mutex_;
  std::list<ListPlan> lists_;  // the last used first
  std::unordered_map<std::string_view, std::list<ListPlan>::iterator>
      lists_by_key_;  // keys live in lists_
};

}  // namespace freshet::serve
