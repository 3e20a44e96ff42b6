// Any bytes are either decoded within the declared types and limits or refused with a reason.
#include <cstdlib>

#include "base/limits.h"
#include "ingest/decoder.h"
#include "ingest/tombstone_key.h"
#include "store/entity_key.h"

namespace {

using namespace freshet;
using namespace freshet::ingest;

registry::Source Clicks(registry::TimestampUnit unit) {
  registry::Source source;
  source.timestamp = {"at", unit};
  source.fields = {{"id", Type::kInt64},    {"small", Type::kInt32},    {"n", Type::kDouble},
                   {"f", Type::kFloat},     {"kind", Type::kString},    {"ok", Type::kBool},
                   {"t", Type::kTimestamp}, {"price", Type::Decimal(2)}};
  return source;
}

void Must(bool good) {
  if (!good) std::abort();
}

void Check(Decoder& decoder, std::string_view payload) {
  DecodedEvent event;
  std::string detail;
  if (decoder.Decode(payload, &event, &detail) != Refusal::kNone) {
    Must(!detail.empty());
    return;
  }
  Must(event.time_ms >= limits::kEventTimeMsMin && event.time_ms <= limits::kEventTimeMsMax);
  const Type types[] = {Type::kInt64,  Type::kInt32, Type::kDouble,    Type::kFloat,
                        Type::kString, Type::kBool,  Type::kTimestamp, Type::Decimal(2)};
  for (size_t i = 0; i < event.values.size(); ++i) {
    Must(event.values[i].is_null() || event.values[i].kind() == KindOf(types[i]));
  }
  if (!event.values[4].is_null()) {
    Must(event.values[4].as_string().size() <= limits::kStringValueBytesMax);
    // Touches every byte, so that a sanitizer sees a string that points nowhere.
    (void)std::string(event.values[4].as_string());
  }
}

// The text as the key of a tombstone.
void CheckKey(TombstoneKeyDecoder& decoder, const std::vector<registry::JoinKey>& join_keys,
              std::string_view text) {
  std::string key;
  std::string detail;
  if (decoder.Decode(text, &key, &detail) != Refusal::kNone) {
    Must(!detail.empty());
    return;
  }
  std::vector<Type> types;
  for (const registry::JoinKey& each : join_keys) types.push_back(each.type);
  Must(store::DecodeEntityKey(types, key).ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const registry::Source numbers = Clicks(registry::TimestampUnit::kSeconds);
  static const registry::Source texts = Clicks(registry::TimestampUnit::kRfc3339);
  // One decoder over many events, as a lane has it: what it remembers of one must not harm the next.
  static const auto number_decoder = NewJsonDecoder(numbers);
  static const auto text_decoder = NewJsonDecoder(texts);
  const std::string_view payload(reinterpret_cast<const char*>(data), size);
  Check(*number_decoder, payload);
  Check(*text_decoder, payload);
  static const std::vector<registry::JoinKey> number = {{"id", Type::kInt64}};
  static const std::vector<registry::JoinKey> two = {{"kind", Type::kString}, {"ok", Type::kBool}};
  static const std::vector<registry::JoinKey> text = {{"kind", Type::kString}};
  static TombstoneKeyDecoder number_keys(number);
  static TombstoneKeyDecoder two_keys(two);
  static TombstoneKeyDecoder text_keys(text);
  CheckKey(number_keys, number, payload);
  CheckKey(two_keys, two, payload);
  CheckKey(text_keys, text, payload);
  return 0;
}
