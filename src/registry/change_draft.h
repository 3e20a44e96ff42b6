// One change while it is put together, and the parts of a comparison that stand in files of their
// own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/change.h"
#include "registry/registry.h"

namespace freshet::registry {

// Gathers what is different about one subject.
class ChangeDraft {
 public:
  explicit ChangeDraft(std::string subject) { change_.subject = std::move(subject); }

  void Note(std::string detail);
  void Refuse(std::string detail, std::string reason, std::string way_out);
  // "what: old -> new" where they differ.
  void NoteIfDifferent(std::string_view what, const std::string& live, const std::string& next);
  void RefuseIfDifferent(std::string_view what, const std::string& live, const std::string& next,
                         const std::string& reason, const std::string& way_out);
  bool refused() const { return change_.refused; }

  // Appends the change unless nothing is different.
  void AddTo(std::vector<Change>* changes) &&;

 private:
  Change change_;
  std::vector<std::string> reasons_;
};

// A duration as definitions write it; empty for none.
std::string DurationText(const std::optional<int64_t>& duration_ms);

Change Added(std::string subject, std::string detail);
Change Removed(std::string subject, std::string detail);

// "a, b and c", cut off where it gets long.
std::string Listed(const std::vector<std::string>& words);

// The changes of one kind each.
void CompareEntities(const Registry& live, const Registry& next, std::vector<Change>* changes);
void CompareSources(const Registry& live, const Registry& next, std::vector<Change>* changes);
void CompareServices(const Registry& live, const Registry& next, std::vector<Change>* changes);
// A view that is new or gone is one change; otherwise its features follow apart.
void CompareViews(const Registry& live, const Registry& next, std::vector<Change>* views,
                  std::vector<Change>* features);
// Of two views of one name and kind.
void CompareFeatures(const Registry& live_registry, const FeatureView& live,
                     const FeatureView& next, std::vector<Change>* changes);

// What a new view is, for people.
std::string DescribeView(const FeatureView& view);
std::string DescribeTable(const TimelineTable& table);

}  // namespace freshet::registry
