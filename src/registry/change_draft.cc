#include "registry/change_draft.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/time.h"

namespace freshet::registry {
namespace {

constexpr size_t kListedMax = 12;

void Join(std::string& to, std::string_view more) {
  if (!to.empty()) to += "; ";
  to += more;
}

std::string Shown(const std::string& text) {
  return text.empty() ? "none" : text;
}

}  // namespace

void ChangeDraft::Note(std::string detail) {
  Join(change_.detail, detail);
}

void ChangeDraft::Refuse(std::string detail, std::string reason, std::string way_out) {
  Note(std::move(detail));
  change_.refused = true;
  if (std::find(reasons_.begin(), reasons_.end(), reason) != reasons_.end()) return;
  Join(change_.reason, reason);
  if (change_.way_out.find(way_out) == std::string::npos) Join(change_.way_out, way_out);
  reasons_.push_back(std::move(reason));
}

void ChangeDraft::NoteIfDifferent(std::string_view what, const std::string& live,
                                  const std::string& next) {
  if (live != next) Note(fmt::format("{}: {} -> {}", what, Shown(live), Shown(next)));
}

void ChangeDraft::RefuseIfDifferent(std::string_view what, const std::string& live,
                                    const std::string& next, const std::string& reason,
                                    const std::string& way_out) {
  if (live != next)
    Refuse(fmt::format("{}: {} -> {}", what, Shown(live), Shown(next)), reason, way_out);
}

void ChangeDraft::AddTo(std::vector<Change>* changes) && {
  if (change_.detail.empty()) return;
  change_.kind = ChangeKind::kChange;
  changes->push_back(std::move(change_));
}

std::string DurationText(const std::optional<int64_t>& duration_ms) {
  return duration_ms.has_value() ? FormatDurationMs(*duration_ms) : "";
}

Change Added(std::string subject, std::string detail) {
  Change change;
  change.kind = ChangeKind::kAdd;
  change.subject = std::move(subject);
  change.detail = std::move(detail);
  return change;
}

Change Removed(std::string subject, std::string detail) {
  Change change = Added(std::move(subject), std::move(detail));
  change.kind = ChangeKind::kRemove;
  return change;
}

std::string Listed(const std::vector<std::string>& words) {
  if (words.size() <= kListedMax) return fmt::format("{}", fmt::join(words, ", "));
  std::vector<std::string> first(words.begin(), words.begin() + kListedMax);
  return fmt::format("{} and {} more", fmt::join(first, ", "), words.size() - kListedMax);
}

}  // namespace freshet::registry
