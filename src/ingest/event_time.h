// The time of an event from the value of its timestamp field.
#pragma once

#include <cstdint>

#include "base/datum.h"
#include "ingest/decoder.h"
#include "registry/definitions.h"

namespace freshet::ingest {

// `value` is not null. Integers and, rounded to the nearest millisecond, other numbers count in the
// unit; text is RFC 3339 and only for that unit. kWrongType when the value is of another kind or
// does not parse, kTimeOutOfRange beyond limits::kEventTimeMsMin and Max.
Refusal EventTimeMs(registry::TimestampUnit unit, const Datum& value, int64_t* time_ms);

}  // namespace freshet::ingest
