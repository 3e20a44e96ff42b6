#include <cmath>
#include <cstring>
#include <limits>
#include <simdjson.h>
#include <unordered_map>

#include <fmt/format.h>

#include "base/decimal.h"
#include "base/hash.h"
#include "base/limits.h"
#include "ingest/decoder.h"
#include "registry/event_time.h"

namespace freshet::ingest {
namespace {

using simdjson::ondemand::json_type;

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

std::string_view Describe(json_type type) {
  switch (type) {
    case json_type::array:
      return "a list";
    case json_type::object:
      return "an object";
    case json_type::number:
      return "a number";
    case json_type::string:
      return "a text";
    case json_type::boolean:
      return "true or false";
    case json_type::null:
      return "null";
  }
  return "something else";
}

Refusal ToRefusal(registry::TimeProblem problem) {
  switch (problem) {
    case registry::TimeProblem::kNone:
      return Refusal::kNone;
    case registry::TimeProblem::kWrongType:
      return Refusal::kWrongType;
    case registry::TimeProblem::kOutOfRange:
      return Refusal::kTimeOutOfRange;
  }
  return Refusal::kWrongType;
}

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
  Refusal ReadTyped(simdjson::ondemand::value value, json_type json, Type type,
                    std::string_view name, Datum* datum);
  Refusal ReadText(simdjson::ondemand::value value, std::string_view name, Datum* datum);
  Refusal ReadExact(simdjson::ondemand::value value, json_type json, Type type,
                    std::string_view name, Datum* datum);
  Refusal ReadNatural(simdjson::ondemand::value value, json_type json, std::string_view name,
                      Datum* datum);
  Refusal SetTime(const Datum& datum, bool is_instant);

  Refusal NotJson(simdjson::error_code error);
  Refusal WrongType(std::string_view name, std::string_view wanted, std::string_view found);
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
  if (error) return NotJson(error);
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
    if (auto error = std::move(entry).get(field)) return NotJson(error);
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
  if (auto error = field.unescaped_key().get(key)) return NotJson(error);
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
  if (auto error = value.type().get(json)) return NotJson(error);
  if (json == json_type::null) {
    bool is_null = false;
    if (value.is_null().get(is_null) || !is_null) return NotJson(simdjson::N_ATOM_ERROR);
    if (target.field >= 0) event_->values[static_cast<size_t>(target.field)] = Datum::Null();
    if (target.is_timestamp) has_time_ = false;
    return Refusal::kNone;
  }
  Datum datum;
  if (target.field < 0) {
    const Refusal refusal = ReadNatural(value, json, source_.timestamp.field, &datum);
    return refusal == Refusal::kNone ? SetTime(datum, false) : refusal;
  }
  const registry::Field& field = source_.fields[static_cast<size_t>(target.field)];
  const Refusal refusal = ReadTyped(value, json, field.type, field.name, &datum);
  if (refusal != Refusal::kNone) return refusal;
  event_->values[static_cast<size_t>(target.field)] = datum;
  return target.is_timestamp ? SetTime(datum, field.type == Type::kTimestamp) : Refusal::kNone;
}

Refusal JsonDecoder::ReadTyped(simdjson::ondemand::value value, json_type json, Type type,
                               std::string_view name, Datum* datum) {
  switch (type) {
    case Type::kBool: {
      bool flag = false;
      if (value.get_bool().get(flag)) return WrongType(name, "bool", Describe(json));
      *datum = Datum::Bool(flag);
      return Refusal::kNone;
    }
    case Type::kInt32:
    case Type::kInt64: {
      int64_t integer = 0;
      if (value.get_int64().get(integer)) return WrongType(name, TypeName(type), Describe(json));
      if (type == Type::kInt32 && integer != static_cast<int32_t>(integer)) {
        return WrongType(name, "int32", fmt::format("{}", integer));
      }
      *datum = Datum::Int(integer);
      return Refusal::kNone;
    }
    case Type::kFloat:
    case Type::kDouble: {
      double number = 0;
      if (value.get_double().get(number)) return WrongType(name, TypeName(type), Describe(json));
      if (type == Type::kFloat) {
        if (std::abs(number) > std::numeric_limits<float>::max()) {
          return WrongType(name, "float", fmt::format("{}", number));
        }
        number = static_cast<float>(number);
      }
      *datum = Datum::Double(number);
      return Refusal::kNone;
    }
    case Type::kString:
      if (json != json_type::string) return WrongType(name, "string", Describe(json));
      return ReadText(value, name, datum);
    case Type::kDecimal:
      return ReadExact(value, json, type, name, datum);
    case Type::kTimestamp: {
      Refusal refusal = ReadNatural(value, json, name, datum);
      if (refusal != Refusal::kNone) return refusal;
      const auto unit = datum->kind() == Datum::Kind::kString
                            ? registry::TimestampUnit::kRfc3339
                            : registry::TimestampUnit::kMilliseconds;
      int64_t time_ms = 0;
      refusal = ToRefusal(registry::ToEventTimeMs(unit, *datum, &time_ms));
      if (refusal == Refusal::kNone) {
        *datum = Datum::Int(time_ms);
      } else {
        *detail_ = fmt::format("field '{}' is no timestamp: {}", name, ToString(*datum));
      }
      return refusal;
    }
  }
  return Refusal::kWrongType;
}

Refusal JsonDecoder::ReadText(simdjson::ondemand::value value, std::string_view name,
                              Datum* datum) {
  std::string_view text;
  if (auto error = value.get_string().get(text)) return NotJson(error);
  if (text.size() > limits::kStringValueBytesMax) {
    *detail_ = fmt::format("field '{}' has {} bytes; at most {} are allowed", name, text.size(),
                           limits::kStringValueBytesMax);
    return Refusal::kTooLarge;
  }
  *datum = Datum::String(text);
  return Refusal::kNone;
}

// A number by its text, so that no digit is lost.
Refusal JsonDecoder::ReadExact(simdjson::ondemand::value value, json_type json, Type type,
                               std::string_view name, Datum* datum) {
  std::string_view text;
  if (json == json_type::string) {
    if (auto error = value.get_string().get(text)) return NotJson(error);
  } else if (json == json_type::number) {
    text = value.raw_json_token();
    text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
    if (!IsJsonNumber(text)) return NotJson(simdjson::NUMBER_ERROR);
  } else {
    return WrongType(name, TypeName(type), Describe(json));
  }
  int64_t unscaled = 0;
  const DecimalProblem problem = ReadDecimal(text, type.scale, &unscaled);
  if (problem != DecimalProblem::kNone)
    return WrongType(name, TypeName(type),
                     fmt::format("{}: {}", text.substr(0, limits::kNameBytesMax),
                                 freshet::Describe(problem, type.scale)));
  *datum = Datum::Int(unscaled);
  return Refusal::kNone;
}

Refusal JsonDecoder::ReadNatural(simdjson::ondemand::value value, json_type json,
                                 std::string_view name, Datum* datum) {
  if (json == json_type::string) return ReadText(value, name, datum);
  if (json != json_type::number) return WrongType(name, "timestamp", Describe(json));
  simdjson::ondemand::number number;
  if (value.get_number().get(number)) return WrongType(name, "timestamp", Describe(json));
  *datum = number.is_int64() ? Datum::Int(number.get_int64()) : Datum::Double(number.as_double());
  return Refusal::kNone;
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

Refusal JsonDecoder::NotJson(simdjson::error_code error) {
  *detail_ =
      error == simdjson::INCORRECT_TYPE ? "not a JSON object" : simdjson::error_message(error);
  return Refusal::kNotJson;
}

Refusal JsonDecoder::WrongType(std::string_view name, std::string_view wanted,
                               std::string_view found) {
  *detail_ = fmt::format("field '{}' is declared {} and cannot be {}", name, wanted, found);
  return Refusal::kWrongType;
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
