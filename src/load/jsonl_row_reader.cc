#include <simdjson.h>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/decimal.h"
#include "base/limits.h"
#include "load/byte_order_mark.h"
#include "load/formats.h"
#include "load/json_syntax.h"
#include "load/row_draft.h"

namespace freshet::load {
namespace {

namespace ondemand = simdjson::ondemand;
using RowVisitor = FunctionRef<void(const FileRow& row)>;

constexpr std::string_view kEmptyProblem =
    "the file has no rows; to load no rows on purpose, take a CSV file with its header alone";

// A value as a message shows it: scalars as the file spells them.
std::string_view Token(ondemand::value& value, ondemand::json_type type) {
  if (type == ondemand::json_type::array) return "a list";
  if (type == ondemand::json_type::object) return "an object";
  return TrimmedJson(value.raw_json_token());
}

// Why simdjson refused a number.
Problem NumberProblem(const Target& target, std::string_view token) {
  Datum ignored;
  std::string unused;
  const Problem problem = ReadText(target.type, target.unit, token, &ignored, &unused);
  return problem == Problem::kOutOfRange ? problem : Problem::kWrongType;
}

class JsonlRowReader final : public RowReader {
 public:
  explicit JsonlRowReader(Targets targets)
      : targets_(std::move(targets)), draft_(targets_), seen_(targets_.all().size()) {}

  Status Feed(std::string_view bytes, RowVisitor visit) override {
    return mark_.Feed(bytes, [&](std::string_view content) { return TakeContent(content, visit); });
  }
  Status Finish(RowVisitor visit) override {
    FRESHET_RETURN_IF_ERROR(
        mark_.Finish([&](std::string_view content) { return TakeContent(content, visit); }));
    EndLine(visit);
    if (!row_seen_) return Status::InvalidArgument(std::string(kEmptyProblem));
    return Status::Ok();
  }

  uint64_t head_bytes() const override { return 0; }
  void GoOn(uint64_t offset, uint64_t line) override {
    mark_.Skip();
    taken_bytes_ = line_offset_ = offset;
    line_ = line;
    row_seen_ = true;
  }

 private:
  Status TakeContent(std::string_view content, RowVisitor visit);
  void AppendToLine(std::string_view bytes);
  void EndLine(RowVisitor visit);

  void ReadRow();
  void ReadObject(ondemand::object object);
  // False when the rest of the row need not be read.
  bool ReadMember(ondemand::field& member);
  bool CheckSyntax(std::string_view key, ondemand::value& value);
  // Sets the draft's value of `target`.
  Problem ReadTarget(const Target& target, ondemand::value& value, ondemand::json_type json,
                     std::string_view token);
  Problem ReadValue(const Target& target, ondemand::json_type json, ondemand::value& value,
                    Datum* datum);
  Problem ReadString(ondemand::value& value, Datum* datum);
  Problem ReadDecimal(Type type, ondemand::json_type json, ondemand::value& value, Datum* datum);
  Problem ReadTime(TimeUnit unit, ondemand::json_type json, ondemand::value& value, Datum* datum);
  void FailJson(simdjson::error_code error) {
    draft_.Fail(fmt::format("not a JSON object: {}", simdjson::error_message(error)),
                "not a JSON object");
  }

  // An absent member must not be taken for a null that clears what is stored.
  void CheckOptional();

  const Targets targets_;
  RowDraft draft_;
  std::vector<bool> seen_;  // of the targets, in the row under way
  ByteOrderMark mark_;
  ondemand::parser parser_;

  uint64_t taken_bytes_ = 0;  // of the content without its mark
  uint64_t line_offset_ = 0;  // likewise
  uint64_t line_ = 1;
  std::string text_;  // of the line so far
  bool too_long_ = false;
  bool row_seen_ = false;
};

Status JsonlRowReader::TakeContent(std::string_view content, RowVisitor visit) {
  while (!content.empty()) {
    const size_t newline = content.find('\n');
    AppendToLine(content.substr(0, newline));
    const bool ends = newline != std::string_view::npos;
    taken_bytes_ += ends ? newline + 1 : content.size();
    if (!ends) break;
    EndLine(visit);
    ++line_;
    line_offset_ = taken_bytes_;
    content.remove_prefix(newline + 1);
  }
  return Status::Ok();
}

void JsonlRowReader::AppendToLine(std::string_view bytes) {
  too_long_ = too_long_ || text_.size() + bytes.size() > limits::kRowBytesMax;
  if (!too_long_) text_.append(bytes);
}

void JsonlRowReader::EndLine(RowVisitor visit) {
  const bool blank = !too_long_ && TrimmedJson(text_).empty();
  if (!blank) {
    row_seen_ = true;
    draft_.Clear();
    if (too_long_) {
      const std::string reason =
          fmt::format("the line is longer than {} bytes", limits::kRowBytesMax);
      draft_.Fail(reason, reason);
    } else {
      seen_.assign(seen_.size(), false);
      ReadRow();
      CheckOptional();
    }
    FileRow row = draft_.Finish(line_);
    row.offset = mark_.bytes() + line_offset_;
    visit(row);
  }
  text_.clear();
  too_long_ = false;
}

void JsonlRowReader::ReadRow() {
  const size_t size = text_.size();
  text_.append(simdjson::SIMDJSON_PADDING, ' ');
  ondemand::document document;
  ondemand::object object;
  simdjson::error_code error = parser_.iterate(text_.data(), size, text_.size()).get(document);
  if (error == simdjson::SUCCESS) error = document.get_object().get(object);
  if (error != simdjson::SUCCESS) return FailJson(error);
  ReadObject(object);
  if (!draft_.failed() && document.current_location().error() != simdjson::OUT_OF_BOUNDS)
    draft_.Fail("more text follows the JSON object; one object a line is expected",
                "more text follows the JSON object");
}

void JsonlRowReader::CheckOptional() {
  if (draft_.failed() || draft_.is_deletion()) return;
  for (size_t i = 0; i < seen_.size(); ++i) {
    const Target& target = targets_.all()[i];
    if (seen_[i] || !target.is_optional || target.is_fixed) continue;
    draft_.Fail(fmt::format("{}: the object lacks it; null would clear it", target.name),
                fmt::format("{}: the object lacks it", target.name));
    return;
  }
}

void JsonlRowReader::ReadObject(ondemand::object object) {
  for (auto member : object) {
    ondemand::field field;
    if (const auto error = std::move(member).get(field); error != simdjson::SUCCESS)
      return FailJson(error);
    if (!ReadMember(field)) return;
  }
}

bool JsonlRowReader::ReadMember(ondemand::field& member) {
  std::string_view key;
  if (const auto error = member.unescaped_key().get(key); error != simdjson::SUCCESS) {
    FailJson(error);
    return false;
  }
  ondemand::value& value = member.value();
  const Target* target = targets_.Find(key);
  if (target == nullptr) return CheckSyntax(key, value);
  ondemand::json_type type;
  if (const auto error = value.type().get(type); error != simdjson::SUCCESS) {
    FailJson(error);
    return false;
  }
  // Taken before reading, which moves on in the text.
  const std::string_view token = Token(value, type);
  const Problem problem = ReadTarget(*target, value, type, token);
  if (problem == Problem::kNone) return true;
  draft_.Fail(*target, Shortened(token), problem);
  // A problem that may not count must not hide that the line is not JSON.
  return !draft_.failed() && CheckSyntax(key, value);
}

bool JsonlRowReader::CheckSyntax(std::string_view key, ondemand::value& value) {
  const std::string malformed = FindMalformed(value);
  if (malformed.empty()) return true;
  draft_.Fail(fmt::format("not a JSON object: {}: {}", Shortened(key), malformed),
              "not a JSON object");
  return false;
}

Problem JsonlRowReader::ReadTarget(const Target& target, ondemand::value& value,
                                   ondemand::json_type json, std::string_view token) {
  std::vector<bool>::reference seen = seen_[static_cast<size_t>(&target - targets_.all().data())];
  if (seen) return Problem::kStandsTwice;
  seen = true;
  Datum datum;
  Problem problem = ReadValue(target, json, value, &datum);
  if (problem == Problem::kWrongType && json == ondemand::json_type::number)
    problem = NumberProblem(target, token);
  return problem == Problem::kNone ? draft_.Set(target, datum) : problem;
}

Problem JsonlRowReader::ReadValue(const Target& target, ondemand::json_type json,
                                  ondemand::value& value, Datum* datum) {
  if (json == ondemand::json_type::null) {
    bool is_null = false;
    if (value.is_null().get(is_null) != simdjson::SUCCESS || !is_null) return Problem::kWrongType;
    *datum = Datum::Null();
    return Problem::kNone;
  }
  switch (target.type) {
    case Type::kBool: {
      bool flag = false;
      if (value.get_bool().get(flag) != simdjson::SUCCESS) return Problem::kWrongType;
      *datum = Datum::Bool(flag);
      return Problem::kNone;
    }
    case Type::kInt32:
    case Type::kInt64: {
      int64_t number = 0;
      if (value.get_int64().get(number) != simdjson::SUCCESS) return Problem::kWrongType;
      return FitInt(target.type, number, datum);
    }
    case Type::kFloat:
    case Type::kDouble: {
      double number = 0;
      if (value.get_double().get(number) != simdjson::SUCCESS) return Problem::kWrongType;
      return FitDouble(target.type, number, datum);
    }
    case Type::kString:
      return ReadString(value, datum);
    case Type::kBytes: {
      std::string_view text;
      if (value.get_string().get(text) != simdjson::SUCCESS) return Problem::kWrongType;
      return ReadBytes(text, datum, draft_.DecodedOf(target));
    }
    case Type::kDecimal:
      return ReadDecimal(target.type, json, value, datum);
    case Type::kTimestamp:
      return ReadTime(target.unit, json, value, datum);
  }
  return Problem::kWrongType;
}

Problem JsonlRowReader::ReadString(ondemand::value& value, Datum* datum) {
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS) return Problem::kWrongType;
  *datum = Datum::String(text);
  return CheckString(text);
}

// A number by its text, so that no digit is lost.
Problem JsonlRowReader::ReadDecimal(Type type, ondemand::json_type json, ondemand::value& value,
                                    Datum* datum) {
  if (json == ondemand::json_type::string) {
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) return Problem::kWrongType;
    return FitDecimal(type, text, datum);
  }
  const std::string_view token = TrimmedJson(value.raw_json_token());
  if (json != ondemand::json_type::number || !IsJsonNumber(token)) return Problem::kWrongType;
  return FitDecimal(type, token, datum);
}

Problem JsonlRowReader::ReadTime(TimeUnit unit, ondemand::json_type json, ondemand::value& value,
                                 Datum* datum) {
  if (json == ondemand::json_type::string) {
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) return Problem::kWrongType;
    return FitTime(unit, Datum::String(text), datum);
  }
  ondemand::number number;
  if (value.get_number().get(number) != simdjson::SUCCESS) return Problem::kWrongType;
  const Datum time =
      number.is_int64() ? Datum::Int(number.get_int64()) : Datum::Double(number.as_double());
  return FitTime(unit, time, datum);
}

}  // namespace

std::unique_ptr<RowReader> NewJsonlRowReader(const registry::Source&, Targets targets) {
  return std::make_unique<JsonlRowReader>(std::move(targets));
}

}  // namespace freshet::load
