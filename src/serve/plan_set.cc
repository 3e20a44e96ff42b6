#include "serve/plan_set.h"

#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/nearest.h"

namespace freshet::serve {
namespace {

// Names hold no line ends, so that different lists have different keys.
void MakeListKey(std::span<const std::string> features, std::string& key) {
  key.clear();
  for (const std::string& feature : features) {
    key += feature;
    key += '\n';
  }
}

Status UnknownService(const registry::Registry& registry, std::string_view name) {
  std::vector<std::string> known;
  for (const auto& service : registry.feature_services()) known.push_back(service->name);
  return Status::NotFound(fmt::format("feature_service: there is no feature service '{}'{}", name,
                                      Suggestion(name, known)));
}

}  // namespace

PlanSet::PlanSet(std::shared_ptr<const registry::Registry> registry)
    : registry_(std::move(registry)) {
  for (const auto& service : registry_->feature_services()) {
    services_.emplace(service->name, std::make_shared<Query>(CompilePlan(registry_, *service)));
  }
}

Result<std::shared_ptr<Query>> PlanSet::Find(std::string_view service,
                                             std::span<const std::string> features) {
  if (service.empty()) return FindList(features);
  const auto found = services_.find(service);
  if (found == services_.end()) return UnknownService(*registry_, service);
  return found->second;
}

Result<std::shared_ptr<Query>> PlanSet::FindList(std::span<const std::string> features) {
  thread_local std::string key;
  MakeListKey(features, key);
  {
    std::lock_guard lock(lists_mutex_);
    if (const auto found = lists_by_key_.find(key); found != lists_by_key_.end()) {
      lists_.splice(lists_.begin(), lists_, found->second);
      return found->second->query;
    }
  }
  FRESHET_ASSIGN_OR_RETURN(std::shared_ptr<Query> query, CompileList(features));
  std::lock_guard lock(lists_mutex_);
  if (lists_by_key_.contains(key)) return query;
  lists_.push_front({key, query});
  lists_by_key_.emplace(lists_.front().key, lists_.begin());
  if (lists_.size() > limits::kListPlansMax) {
    lists_by_key_.erase(lists_.back().key);
    lists_.pop_back();
  }
  return query;
}

Result<std::shared_ptr<Query>> PlanSet::CompileList(std::span<const std::string> features) const {
  std::vector<registry::ServedFeature> served;
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : features) {
    if (!seen.insert(name).second) {
      return Status::InvalidArgument(fmt::format("features: '{}' is listed twice", name));
    }
    const Result<registry::FeatureReference> reference = registry_->FindFeature(name);
    if (!reference.ok()) return reference.status().Prefixed("features");
    served.push_back({*reference, name, nullptr});
  }
  return std::make_shared<Query>(CompilePlan(registry_, "this list of features", served));
}

}  // namespace freshet::serve
