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
    case FeatureStatus::kFailed:
      return "FAILED";
  }
  return "UNKNOWN";
}

}  // namespace freshet
