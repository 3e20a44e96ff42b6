#include "ingest/decoder.h"

namespace freshet::ingest {

std::string_view RefusalName(Refusal refusal) {
  switch (refusal) {
    case Refusal::kNone:
      return "none";
    case Refusal::kNotJson:
      return "not_json";
    case Refusal::kMissingField:
      return "missing_field";
    case Refusal::kWrongType:
      return "wrong_type";
    case Refusal::kTooLarge:
      return "too_large";
    case Refusal::kTimeOutOfRange:
      return "time_out_of_range";
    case Refusal::kTooFarInFuture:
      return "too_far_in_future";
  }
  return "unknown";
}

}  // namespace freshet::ingest
