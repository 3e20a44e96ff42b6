#include "freshet/features.h"

namespace freshet {

std::string_view FeatureStatusName(FeatureStatus status) {
  switch (status) {
    case FeatureStatus::kPresent:
      return "PRESENT";
    case FeatureStatus::kNullValue:
      return "NULL_VALUE";
    case FeatureStatus::kNotFound:
      return "NOT_FOUND";
    case FeatureStatus::kOutsideMaxAge:
      return "OUTSIDE_MAX_AGE";
    case FeatureStatus::kSourceStale:
      return "SOURCE_STALE";
    case FeatureStatus::kTimedOut:
      return "TIMED_OUT";
    case FeatureStatus::kFailed:
      return "FAILED";
  }
  return "UNKNOWN";
}

std::optional<StaleAction> FindStaleAction(std::string_view word) {
  for (const StaleAction action :
       {StaleAction::kUseDefault, StaleAction::kServe, StaleAction::kNull, StaleAction::kFail}) {
    if (StaleActionName(action) == word) return action;
  }
  return std::nullopt;
}

std::string_view StaleActionName(StaleAction action) {
  switch (action) {
    case StaleAction::kUseDefault:
      return "use_default";
    case StaleAction::kServe:
      return "serve";
    case StaleAction::kNull:
      return "null";
    case StaleAction::kFail:
      return "fail";
  }
  return "unknown";
}

}  // namespace freshet
