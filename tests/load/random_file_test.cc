// Files with random rows, written by a naive writer of each format, must read back as those rows.
#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "load/read_rows.h"

namespace freshet::load {
namespace {

using registry::FileFormat;

class RandomFile {
 public:
  explicit RandomFile(uint64_t seed) : random_(seed), source_(AllTypesSource()) {}

  const registry::Source& source() const { return source_; }
  size_t Below(size_t end) { return std::uniform_int_distribution<size_t>(0, end - 1)(random_); }
  bool Chance(int percent) { return Below(100) < static_cast<size_t>(percent); }

  std::vector<ReadRow> MakeRows() {
    std::vector<ReadRow> rows(Below(30));
    for (ReadRow& row : rows) {
      row.time_ms = Number(-10'000'000'000'000, 10'000'000'000'000);
      for (const registry::Field& field : source_.fields)
        row.values.push_back(MakeValue(field.type));
    }
    return rows;
  }

  // Sets the lines of `rows`.
  std::string WriteCsv(std::vector<ReadRow>& rows);
  std::string WriteJsonl(std::vector<ReadRow>& rows);

 private:
  int64_t Number(int64_t least, int64_t most) {
    return std::uniform_int_distribution<int64_t>(least, most)(random_);
  }

  Value MakeValue(Type type) {
    if (Chance(15)) return {};
    switch (type) {
      case Type::kBool:
        return Chance(50);
      case Type::kInt32:
        return Number(INT32_MIN, INT32_MAX);
      case Type::kInt64:
        return Number(INT64_MIN, INT64_MAX);
      case Type::kFloat:
        return static_cast<double>(static_cast<float>(Number(-1'000'000, 1'000'000)) / 7.0f);
      case Type::kDouble:
        return std::ldexp(static_cast<double>(Number(-1'000'000, 1'000'000)) / 3,
                          static_cast<int>(Number(-900, 900)));
      case Type::kString:
      case Type::kBytes:
        return MakeText();
      case Type::kDecimal:
        return Number(INT64_MIN, INT64_MAX) >> Below(64);
      case Type::kTimestamp:
        return Number(-10'000'000'000'000, 10'000'000'000'000);
    }
    return {};
  }

  std::string MakeText() {
    static const std::string kPieces[] = {"a",    "\"",   ",",  "\n",       "\r",
                                          "\r\n", " ",    "\t", "\xC3\xA4", "\xF0\x9F\x98\x80",
                                          "\\",   "null", "0",  ""};
    std::string text;
    for (size_t i = Below(8); i > 0; --i) text += kPieces[Below(std::size(kPieces))];
    return text;
  }

  std::string CsvField(Type type, const Value& value);
  void EndCsvLine(std::string& text, uint64_t& line);

  std::mt19937_64 random_;
  const registry::Source source_;
};

std::string SpellInteger(Type type, int64_t number) {
  if (type == Type::kTimestamp) return FormatRfc3339Ms(number);
  // 10^-2 each.
  return std::to_string(number) + (type == Type::kDecimal ? "e-2" : "");
}

std::string RandomFile::CsvField(Type type, const Value& value) {
  std::string text;
  if (std::holds_alternative<std::monostate>(value)) return text;
  if (const auto* string = std::get_if<std::string>(&value)) text = *string;
  if (const auto* flag = std::get_if<bool>(&value)) text = *flag ? "true" : "false";
  if (const auto* number = std::get_if<int64_t>(&value)) {
    text = SpellInteger(type, *number);
  }
  if (const auto* number = std::get_if<double>(&value)) text = fmt::format("{}", *number);

  const bool must_quote = text.empty() || text.find_first_of("\",\r\n") != std::string::npos;
  if (!must_quote && !Chance(20)) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

void RandomFile::EndCsvLine(std::string& text, uint64_t& line) {
  for (size_t i = 1 + (Chance(10) ? 1 : 0); i > 0; --i) {
    text += Chance(50) ? "\n" : "\r\n";
    ++line;
  }
}

uint64_t CountLineEnds(const std::string& text) {
  uint64_t count = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool pair = text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
    if ((text[i] == '\n' || text[i] == '\r') && !pair) ++count;
  }
  return count;
}

std::string RandomFile::WriteCsv(std::vector<ReadRow>& rows) {
  // The column after the fields is the time, the one after that nobody asks for.
  std::vector<size_t> order;
  for (size_t i = 0; i < source_.fields.size() + 2; ++i) order.push_back(i);
  std::shuffle(order.begin(), order.end(), random_);
  const size_t time_column = source_.fields.size();

  std::string text = Chance(30) ? "\xEF\xBB\xBF" : "";
  uint64_t line = 1;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i > 0) text += ",";
    text += order[i] < time_column    ? source_.fields[order[i]].name
            : order[i] == time_column ? "time"
                                      : "other";
  }
  for (ReadRow& row : rows) {
    EndCsvLine(text, line);
    row.line = line;
    std::string row_text;
    for (size_t i = 0; i < order.size(); ++i) {
      if (i > 0) row_text += ",";
      if (order[i] < time_column)
        row_text += CsvField(source_.fields[order[i]].type, row.values[order[i]]);
      if (order[i] == time_column) row_text += CsvField(Type::kTimestamp, row.time_ms);
      if (order[i] > time_column) row_text += CsvField(Type::kString, MakeText());
    }
    line += CountLineEnds(row_text);
    text += row_text;
  }
  if (Chance(50)) EndCsvLine(text, line);
  return text;
}

std::string RandomFile::WriteJsonl(std::vector<ReadRow>& rows) {
  std::string text;
  uint64_t line = 1;
  for (ReadRow& row : rows) {
    nlohmann::json object = {{"time", FormatRfc3339Ms(row.time_ms)},
                             {"other", {1, {{"deep", MakeText()}}}}};
    for (size_t i = 0; i < source_.fields.size(); ++i) {
      const registry::Field& field = source_.fields[i];
      std::visit(
          [&](const auto& value) {
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::monostate>) {
              if (Chance(50)) object[field.name] = nullptr;
            } else {
              object[field.name] = value;
            }
          },
          row.values[i]);
      const auto* number = std::get_if<int64_t>(&row.values[i]);
      if ((field.type == Type::kTimestamp || field.type == Type::kDecimal) && number != nullptr)
        object[field.name] = SpellInteger(field.type, *number);
    }
    for (; Chance(10); ++line) text += "\n";
    row.line = line++;
    text += object.dump(-1, ' ', Chance(30)) + (Chance(50) ? "\n" : "\r\n");
  }
  if (Chance(50)) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  }
  return text;
}

TEST(RandomFile, ReadsBackAsItWasWritten) {
  const uint64_t first_seed = std::random_device()();
  for (uint64_t seed = first_seed; seed < first_seed + 400; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    RandomFile file(seed);
    std::vector<ReadRow> rows = file.MakeRows();
    const FileFormat format =
        rows.empty() || file.Chance(50) ? FileFormat::kCsv : FileFormat::kJsonl;
    const std::string text =
        format == FileFormat::kCsv ? file.WriteCsv(rows) : file.WriteJsonl(rows);
    const ReadFile read = ReadRows(format, file.source(), text, 1 + file.Below(100));
    ASSERT_TRUE(read.status.ok()) << read.status.ToString();
    ASSERT_EQ(read.rows, rows) << text;
  }
}

// Pieces of JSON, most of them in an order that JSON allows.
std::string RandomJson(RandomFile& random, int depth) {
  static const std::string kScalars[] = {"true", "null", "1", "-0.5e1", "\"a\"", "\"\\n\""};
  static const std::string kOdd[] = {"{",   "}",  "]",  ",", ":", " ",       "\"",
                                     "tru", "01", "1.", "-", "x", "\"\\x\"", "\\"};
  if (random.Chance(3)) return kOdd[random.Below(std::size(kOdd))];
  if (depth == 0 || random.Chance(30)) return kScalars[random.Below(std::size(kScalars))];
  const bool is_list = random.Chance(50);
  std::string text = is_list ? "[" : "{";
  for (size_t i = random.Below(4); i > 0; --i) {
    if (text.size() > 1 && !random.Chance(2)) text += ",";
    if (!is_list) text += random.Chance(98) ? "\"a\":" : "\"a\"";
    text += RandomJson(random, depth - 1);
  }
  return text + (is_list ? "]" : "}");
}

TEST(RandomFile, JsonThatNobodyWantsIsCheckedAsByAnotherReader) {
  const uint64_t first_seed = std::random_device()();
  size_t accepted = 0;
  for (uint64_t seed = first_seed; seed < first_seed + 5'000; ++seed) {
    RandomFile random(seed);
    const std::string line =
        "{\"junk\":" + RandomJson(random, 4) + ",\"time\":\"2026-11-24T10:00:00Z\"}";
    const ReadFile read = ReadRows(FileFormat::kJsonl, random.source(), line, kWhole);
    ASSERT_EQ(read.rows.at(0).error.empty(), nlohmann::json::accept(line))
        << "seed " << seed << ": " << line << ": " << read.rows.at(0).error;
    accepted += read.rows[0].error.empty() ? 1 : 0;
  }
  EXPECT_GT(accepted, 500u);
  EXPECT_LT(accepted, 4'500u);
}

}  // namespace
}  // namespace freshet::load
