#include "load_bench_rows.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>

#include <fmt/format.h>

#include "base/check.h"
#include "support/temp_folder.h"

namespace freshet::load_bench {
namespace {

constexpr std::array<const char*, 12> kCountries = {"AR", "BR", "CN", "DE", "FI", "FR",
                                                    "IN", "JP", "NL", "NO", "SE", "US"};

struct User {
  int64_t at = 0;
  int64_t age = 0;
  double score = 0;
  double spend = 0;
  int64_t visits = 0;
  const char* country = "";
  bool active = false;
};

User UserOf(int64_t id) {
  return {1'780'000'000'000 + id * 7'919 % 86'400'000,
          id * 104'729 % 90,
          static_cast<double>(id * 1'299'709 % 1'000'003) / 1'000'003.0,
          static_cast<double>(id * 15'485'863 % 100'000) / 100.0,
          id * 32'452'843 % 1'000,
          kCountries[static_cast<size_t>(id * 5 % 12)],
          id * 3 % 2 == 0};
}

// Writes what `append(id, user, text)` makes of each user.
template <typename Append>
void WriteText(const std::string& path, std::string_view head, Append append) {
  constexpr size_t kBufferBytes = 1u << 20;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "w"),
                                                             std::fclose);
  FRESHET_CHECK(file != nullptr);
  std::string text(head);
  for (int64_t id = 0; id < RowCount(); ++id) {
    append(id, UserOf(id), text);
    if (text.size() < kBufferBytes && id + 1 < RowCount()) continue;
    FRESHET_CHECK(std::fwrite(text.data(), 1, text.size(), file.get()) == text.size());
    text.clear();
  }
}

void WriteCsv(const std::string& path) {
  WriteText(path, "user_id,at,age,score,spend,visits,country,active\n",
            [](int64_t id, const User& user, std::string& text) {
              fmt::format_to(std::back_inserter(text), "{},{},{},{},{},{},{},{}\n", id, user.at,
                             user.age, user.score, user.spend, user.visits, user.country,
                             user.active);
            });
}

void WriteJsonLines(const std::string& path) {
  WriteText(path, "", [](int64_t id, const User& user, std::string& text) {
    fmt::format_to(std::back_inserter(text),
                   "{{\"user_id\":{},\"at\":{},\"age\":{},\"score\":{},\"spend\":{},\"visits\":{},"
                   "\"country\":\"{}\",\"active\":{}}}\n",
                   id, user.at, user.age, user.score, user.spend, user.visits, user.country,
                   user.active);
  });
}

bool WriteParquet(const std::string& folder) {
  const std::string command =
      fmt::format("PYTHONPATH='{}' python3 '{}' '{}' {}", FRESHET_PYTHON_PACKAGES,
                  FRESHET_WRITE_LOAD_FILES, folder, RowCount());
  return std::system(command.c_str()) == 0;
}

}  // namespace

int64_t RowCount() {
  const char* given = std::getenv("FRESHET_BENCH_ROWS");
  return given == nullptr ? 1'000'000 : std::strtoll(given, nullptr, 10);
}

std::string_view RowMaker::Encode(int64_t id) {
  const User user = UserOf(id);
  const Datum values[] = {Datum::Int(user.age),        Datum::Double(user.score),
                          Datum::Double(user.spend),   Datum::Int(user.visits),
                          Datum::String(user.country), Datum::Bool(user.active)};
  row_.clear();
  layout_.Encode(user.at, values, row_);
  return row_;
}

LoadFilePath FileOf(std::string_view name) {
  static const testing::TempFolder folder;
  const std::string path = folder.File(std::string(name));
  const bool is_there = std::filesystem::exists(path);
  if (name == "sorted.csv") {
    if (!is_there) WriteCsv(path);
    return {path, registry::FileFormat::kCsv};
  }
  if (name == "sorted.jsonl") {
    if (!is_there) WriteJsonLines(path);
    return {path, registry::FileFormat::kJsonl};
  }
  return is_there || WriteParquet(folder.path()) ? LoadFilePath{path} : LoadFilePath{};
}

void WriteRedisCommands(const std::string& path) {
  const auto append_word = [](std::string& text, const std::string& word) {
    fmt::format_to(std::back_inserter(text), "${}\r\n{}\r\n", word.size(), word);
  };
  WriteText(path, "", [&](int64_t id, const User& user, std::string& text) {
    const std::array<std::string, 16> words = {"HSET",    fmt::format("profile:{}", id),
                                               "at",      fmt::to_string(user.at),
                                               "age",     fmt::to_string(user.age),
                                               "score",   fmt::to_string(user.score),
                                               "spend",   fmt::to_string(user.spend),
                                               "visits",  fmt::to_string(user.visits),
                                               "country", user.country,
                                               "active",  fmt::to_string(user.active)};
    fmt::format_to(std::back_inserter(text), "*{}\r\n", words.size());
    for (const std::string& word : words) append_word(text, word);
  });
}

}  // namespace freshet::load_bench
