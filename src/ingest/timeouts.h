// How long ingest waits for others before it tries again.
#pragma once

#include <cstdint>

namespace freshet::ingest {

// For a log to answer a question: its first or last offsets.
inline constexpr int64_t kAskTimeoutMs = 2'000;
// For dead letters to be delivered.
inline constexpr int64_t kDeliveryTimeoutMs = 1'000;
// Between attempts at what failed.
inline constexpr int64_t kRetryMs = 200;

}  // namespace freshet::ingest
