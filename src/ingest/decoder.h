// Records to events: the payload's fields by name, type-checked, and the event's time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/datum.h"
#include "registry/definitions.h"

namespace freshet::ingest {

// Why an event was refused. Their names are what counters, logs and dead letters show.
enum class Refusal : uint8_t {
  kNone,
  kNotJson,
  kMissingField,  // a join key or the timestamp
  kWrongType,
  kTooLarge,
  kTimeOutOfRange,
  kTooFarInFuture,
};
inline constexpr size_t kRefusalCount = 7;
std::string_view RefusalName(Refusal refusal);

struct DecodedEvent {
  int64_t time_ms = 0;
  std::vector<Datum> values;  // per Source::fields; null where the event has none
};

// Decodes the events of one source. Holds buffers: one per thread. Values borrow from the decoder
// until the next Decode.
class Decoder {
 public:
  virtual ~Decoder() = default;
  // kNone when *event is filled. Otherwise *detail says what is wrong and names the field.
  // A field that is absent or null is null; of a field that stands twice the last counts. A field
  // of the wrong type, an integer beyond its type, or a string beyond limits::kStringValueBytesMax
  // refuses the event, whether or not a view uses the field. Fields that the source does not declare
  // are passed over: of those only the brackets, quotes and characters are checked.
  virtual Refusal Decode(std::string_view payload, DecodedEvent* event, std::string* detail) = 0;
};

// JSON objects of one level; what is nested is passed over. Integers must be written as such; numbers may be written as
// integers. A decimal is a number or text, of which the digits count as they are written. A timestamp is RFC 3339 text or a
// number that counts in the source's unit; a field of type timestamp is RFC 3339 text or a number of milliseconds. `source` must outlive the decoder.
std::unique_ptr<Decoder> NewJsonDecoder(const registry::Source& source);

}  // namespace freshet::ingest
