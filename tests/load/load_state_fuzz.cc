// Any bytes are either refused or the state of an unfinished load, which is encoded the same another time.
#include <cstdint>

#include "base/check.h"
#include "load/load_state.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace freshet;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Result<load::LoadState> state = load::DecodeLoadState(bytes);
  if (!state.ok()) return 0;
  // A cause may stand twice, and in any order.
  const std::string once = load::EncodeLoadState(*state);
  const Result<load::LoadState> again = load::DecodeLoadState(once);
  FRESHET_CHECK(again.ok() && load::EncodeLoadState(*again) == once);
  return 0;
}
