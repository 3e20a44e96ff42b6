#include "ingest/tombstone_key.h"

#include <algorithm>
#include <simdjson.h>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "ingest/json_values.h"
#include "store/entity_key.h"

namespace freshet::ingest {
namespace {

Refusal NotTheKey(std::string_view what, std::string* detail) {
  *detail = fmt::format("the key of a tombstone {}", what);
  return Refusal::kNotJson;
}

// Null stays null, to be told as missing.
Refusal ReadJoinKey(simdjson::ondemand::value value, const registry::JoinKey& key, Datum* datum,
                    std::string* decoded, std::string* detail) {
  json_type json;
  if (auto error = value.type().get(json)) return NotJson(error, detail);
  if (json != json_type::null)
    return ReadTyped(value, json, key.type, key.name, datum, decoded, detail);
  bool is_null = false;
  // The parser tells a null by its first letter.
  if (value.is_null().get(is_null) || !is_null) return NotJson(simdjson::N_ATOM_ERROR, detail);
  *datum = Datum::Null();
  return Refusal::kNone;
}

}  // namespace

struct TombstoneKeyDecoder::Parser {
  // The text stands padded in `buffer` until the next one does.
  simdjson::error_code Iterate(std::string_view text, simdjson::ondemand::document& document) {
    buffer.assign(text);
    buffer.resize(text.size() + simdjson::SIMDJSON_PADDING);
    return parser.iterate(buffer.data(), text.size(), buffer.size()).get(document);
  }

  simdjson::ondemand::parser parser;
  std::string buffer;
};

TombstoneKeyDecoder::TombstoneKeyDecoder(const std::vector<registry::JoinKey>& join_keys)
    : join_keys_(join_keys),
      parser_(std::make_unique<Parser>()),
      values_(join_keys.size()),
      decoded_(join_keys.size()) {}

TombstoneKeyDecoder::~TombstoneKeyDecoder() = default;

Refusal TombstoneKeyDecoder::Decode(std::string_view record_key, std::string* entity_key,
                                    std::string* detail) {
  if (record_key.size() > limits::kTombstoneKeyBytesMax) {
    *detail = fmt::format("the key of a tombstone has {} bytes; at most {} are allowed",
                          record_key.size(), limits::kTombstoneKeyBytesMax);
    return Refusal::kTooLarge;
  }
  std::fill(values_.begin(), values_.end(), Datum::Null());
  const size_t first = record_key.find_first_not_of(" \t\r\n");
  const bool is_object = first != std::string_view::npos && record_key[first] == '{';
  const Refusal refusal =
      is_object ? ReadObject(record_key, detail) : ReadScalar(record_key, detail);
  if (refusal != Refusal::kNone) return refusal;
  entity_key->clear();
  for (size_t i = 0; i < join_keys_.size(); ++i) {
    if (values_[i].is_null()) {
      *detail = fmt::format("join key '{}' is missing or null in the key of a tombstone",
                            join_keys_[i].name);
      return Refusal::kMissingField;
    }
    const Status appended = store::AppendEntityKey(join_keys_[i].type, values_[i], *entity_key);
    if (!appended.ok()) {
      *detail = appended.message();
      return Refusal::kTooLarge;
    }
  }
  return Refusal::kNone;
}

// Another field may be what tells one of several records of the entity from another, so that the
// deletion of one record is not that of the entity.
Refusal TombstoneKeyDecoder::ReadObject(std::string_view text, std::string* detail) {
  simdjson::ondemand::document document;
  simdjson::ondemand::object object;
  auto error = parser_->Iterate(text, document);
  if (!error) error = document.get_object().get(object);
  if (error) return NotJson(error, detail);
  size_t field_count = 0;
  for (auto entry : object) {
    simdjson::ondemand::field field;
    std::string_view name;
    if (auto bad = std::move(entry).get(field)) return NotJson(bad, detail);
    if (auto bad = field.unescaped_key().get(name)) return NotJson(bad, detail);
    const auto key = std::find_if(join_keys_.begin(), join_keys_.end(),
                                  [&](const registry::JoinKey& each) { return each.name == name; });
    if (key == join_keys_.end()) {
      return NotTheKey(fmt::format("has '{}', which is no join key of the entity",
                                   ToUtf8(name.substr(0, limits::kNameBytesMax))),
                       detail);
    }
    const auto index = static_cast<size_t>(key - join_keys_.begin());
    const Refusal refusal =
        ReadJoinKey(field.value(), *key, &values_[index], &decoded_[index], detail);
    if (refusal != Refusal::kNone) return refusal;
    if (++field_count > join_keys_.size()) return NotTheKey("has a join key twice", detail);
  }
  if (document.current_location().error() == simdjson::OUT_OF_BOUNDS) return Refusal::kNone;
  return NotTheKey("has text after the end of the object", detail);
}

// In a list of one, since the parser takes values that stand in something.
Refusal TombstoneKeyDecoder::ReadScalar(std::string_view text, std::string* detail) {
  const registry::JoinKey& key = join_keys_.front();
  if (join_keys_.size() != 1)
    return NotTheKey("of an entity with several join keys must be a JSON object of them", detail);
  if (key.type == Type::kString && !text.starts_with('"')) {
    values_.front() = Datum::String(text);
    if (FirstInvalidUtf8(text) == std::string_view::npos) return Refusal::kNone;
    return NotTheKey("is not UTF-8", detail);
  }
  if (key.type == Type::kBytes && !text.starts_with('"')) {
    if (!DecodeBase64(text, &decoded_.front())) return NotTheKey("is no base64", detail);
    values_.front() = Datum::String(decoded_.front());
    return Refusal::kNone;
  }
  simdjson::ondemand::document document;
  simdjson::ondemand::array list;
  auto error = parser_->Iterate(fmt::format("[{}]", text), document);
  if (!error) error = document.get_array().get(list);
  if (error) return NotJson(error, detail);
  size_t count = 0;
  for (auto entry : list) {
    if (entry.error()) return NotJson(entry.error(), detail);
    const Refusal refusal =
        ReadJoinKey(entry.value_unsafe(), key, &values_.front(), &decoded_.front(), detail);
    if (refusal != Refusal::kNone) return refusal;
    ++count;
  }
  const bool is_all = document.current_location().error() == simdjson::OUT_OF_BOUNDS;
  if (count == 1 && is_all) return Refusal::kNone;
  return NotTheKey("is no single value", detail);
}

}  // namespace freshet::ingest
