#include <cstring>
#include <unordered_map>

#include <fmt/format.h>

#include "base/hash.h"
#include "base/limits.h"
#include "ingest/decoder.h"
#include "ingest/json_values.h"
#include "registry/event_time.h"

namespace freshet::ingest {
namespace {

// Keys are compared in place, so a comparison may read past a short document by a name's length.
constexpr size_t kPaddingBytes = simdjson::SIMDJSON_PADDING + limits::kNameBytesMax + 1;

struct KeyHash {
  using is_transparent = void;
  size_t operator()(std::string_view key) const { return Hash64(key); }
};

// Where the value of a key goes.
struct Target {
  int32_t field = -1;  // index into Source::fields; -1: none
  bool is_timestamp = false;

  bool wanted() const { return field >= 0 || is_timestamp; }
};

// Producers write their keys in one order. What stood at a place in the last event is tried first
// in the next.
struct Guess {
  std::string raw_key;  // as it stands in the text, without escapes
  Target target;
};

class JsonDecoder : public Decoder {
 public:
  explicit JsonDecoder(const registry::Source& source)
      : source_(source), parser_(limits::kEventBytesMax + simdjson::SIMDJSON_PADDING) {
    for (size_t i = 0; i < source.fields.size(); ++i) {
      targets_[source.fields[i].name].field = static_cast<int32_t>(i);
    }
    targets_[source.timestamp.field].is_timestamp = true;
  }

  Refusal Decode(std::string_view payload, DecodedEvent* event, std::string* detail) override;

 private:
  Refusal DecodeObject(simdjson::ondemand::object object);
  Refusal FindTarget(simdjson::ondemand::field& field, size_t place, Target* target);
  Refusal ReadValue(simdjson::ondemand::value value, Target target);
  Refusal SetTime(const Datum& datum, bool is_instant);

  void CopyPadded(std::string_view payload);

  const registry::Source& source_;
  std::unordered_map<std::string, Target, KeyHash, std::equal_to<>> targets_;
  simdjson::ondemand::parser parser_;
  std::string buffer_;
  std::vector<Guess> guesses_;

  DecodedEvent* event_ = nullptr;
  std::string* detail_ = nullptr;
  bool has_time_ = false;
};

Refusal JsonDecoder::Decode(std::string_view payload, DecodedEvent* event, std::string* detail) {
  event_ = event;
  detail_ = detail;
  has_time_ = false;
  if (payload.size() > limits::kEventBytesMax) {
    *detail_ = fmt::format("event of {} bytes; at most {} are allowed", payload.size(),
                           limits::kEventBytesMax);
    return Refusal::kTooLarge;
  }
  if (payload.empty()) {
    *detail_ = "empty record";
    return Refusal::kNotJson;
  }
  CopyPadded(payload);
  event->values.assign(source_.fields.size(), Datum::Null());
  simdjson::ondemand::document document;
  simdjson::ondemand::object object;
  auto error = parser_.iterate(buffer_.data(), payload.size(), buffer_.size()).get(document);
  if (!error) error = document.get_object().get(object);
  if (error) return NotJson(error, detail_);
  if (Refusal refusal = DecodeObject(object); refusal != Refusal::kNone) return refusal;
  if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) {
    *detail_ = "text after the end of the object";
    return Refusal::kNotJson;
  }
  if (has_time_) return Refusal::kNone;
  *detail_ = fmt::format("timestamp field '{}' is missing or null", source_.timestamp.field);
  return Refusal::kMissingField;
}

Refusal JsonDecoder::DecodeObject(simdjson::ondemand::object object) {
  size_t place = 0;
  for (auto entry : object) {
    simdjson::ondemand::field field;
    if (auto error = std::move(entry).get(field)) return NotJson(error, detail_);
    Target target;
    Refusal refusal = FindTarget(field, place++, &target);
    if (refusal == Refusal::kNone && target.wanted()) refusal = ReadValue(field.value(), target);
    if (refusal != Refusal::kNone) return refusal;
  }
  return Refusal::kNone;
}

Refusal JsonDecoder::FindTarget(simdjson::ondemand::field& field, size_t place, Target* target) {
  const char* raw = field.key().raw();
  if (place < guesses_.size()) {
    const Guess& guess = guesses_[place];
    const size_t size = guess.raw_key.size();
    if (std::memcmp(raw, guess.raw_key.data(), size) == 0 && raw[size] == '"') {
      *target = guess.target;
      return Refusal::kNone;
    }
  }
  std::string_view key;
  if (auto error = field.unescaped_key().get(key)) return NotJson(error, detail_);
  const auto found = targets_.find(key);
  *target = found == targets_.end() ? Target{} : found->second;
  const bool comparable = key.size() <= limits::kNameBytesMax &&
                          std::memcmp(raw, key.data(), key.size()) == 0 && raw[key.size()] == '"';
  if (comparable && place <= guesses_.size() && place < limits::kFieldsMax) {
    if (place == guesses_.size()) guesses_.emplace_back();
    guesses_[place].raw_key.assign(key);
    guesses_[place].target = *target;
  }
  return Refusal::kNone;
}

Refusal JsonDecoder::ReadValue(simdjson::ondemand::value value, Target target) {
  json_type json;
  if (auto error = value.type().get(json)) return NotJson(error, detail_);
  if (json == json_type::null) {
    bool is_null = false;
    if (value.is_null().get(is_null) || !is_null) return NotJson(simdjson::N_ATOM_ERROR, detail_);
    if (target.field >= 0) event_->values[static_cast<size_t>(target.field)] = Datum::Null();
    if (target.is_timestamp) has_time_ = false;
    return Refusal::kNone;
  }
  Datum datum;
  if (target.field < 0) {
    const Refusal refusal = ReadNatural(value, json, source_.timestamp.field, &datum, detail_);
    return refusal == Refusal::kNone ? SetTime(datum, false) : refusal;
  }
  const registry::Field& field = source_.fields[static_cast<size_t>(target.field)];
  const Refusal refusal = ReadTyped(value, json, field.type, field.name, &datum, detail_);
  if (refusal != Refusal::kNone) return refusal;
  event_->values[static_cast<size_t>(target.field)] = datum;
  return target.is_timestamp ? SetTime(datum, field.type == Type::kTimestamp) : Refusal::kNone;
}

Refusal JsonDecoder::SetTime(const Datum& datum, bool is_instant) {
  const auto unit = is_instant ? registry::TimestampUnit::kMilliseconds : source_.timestamp.unit;
  const Refusal refusal = ToRefusal(registry::ToEventTimeMs(unit, datum, &event_->time_ms));
  has_time_ = refusal == Refusal::kNone;
  if (!has_time_) {
    *detail_ = fmt::format("timestamp field '{}' cannot be {}", source_.timestamp.field,
                           ToString(datum).substr(0, limits::kNameBytesMax));
  }
  return refusal;
}

void JsonDecoder::CopyPadded(std::string_view payload) {
  if (buffer_.size() < payload.size() + kPaddingBytes) {
    buffer_.resize((payload.size() + kPaddingBytes) * 2);
  }
  std::memcpy(buffer_.data(), payload.data(), payload.size());
}

}  // namespace

std::unique_ptr<Decoder> NewJsonDecoder(const registry::Source& source) {
  return std::make_unique<JsonDecoder>(source);
}

}  // namespace freshet::ingest
