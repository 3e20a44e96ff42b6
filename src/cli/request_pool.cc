#include "cli/request_pool.h"

#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "cli/json_value.h"
#include "cli/key_values.h"

namespace freshet::cli {
namespace {

Status ReadKeysLine(const std::string& line, std::vector<std::string>* words) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object() || json.empty())
    return Status::InvalidArgument(
        "it must be a JSON object of join keys and inputs, such as {\"user_id\": 42}");
  for (const auto& [key, value] : json.items()) {
    if (value.is_structured() || value.is_null() || key.find('=') != std::string::npos)
      return Status::InvalidArgument(
          fmt::format("'{}' must be a name with text, a number, true or false", key));
    // Two signs: the value as it is, commas and all.
    words->push_back(
        fmt::format("{}=={}", key, value.is_string() ? value.get<std::string>() : value.dump()));
  }
  return {};
}

void AppendRow(const Column& source, size_t row, Column* target) {
  if (!source.integers.empty()) target->integers.push_back(source.integers.at(row));
  if (!source.numbers.empty()) target->numbers.push_back(source.numbers.at(row));
  if (!source.texts.empty()) target->texts.push_back(source.texts.at(row));
}

std::vector<NamedColumn> TakeRows(const std::vector<NamedColumn>& source, size_t first,
                                  size_t rows) {
  std::vector<NamedColumn> taken;
  taken.reserve(source.size());
  for (const NamedColumn& column : source) {
    taken.push_back({column.name, {.type = column.values.type}});
    const size_t size = column.values.size();
    for (size_t i = 0; i < rows; ++i)
      AppendRow(column.values, (first + i) % size, &taken.back().values);
  }
  return taken;
}

}  // namespace

Status ReadKeysFile(const std::string& path, std::vector<std::string>* words) {
  std::ifstream file(path);
  std::string line;
  size_t number = 0;
  size_t rows = 0;
  while (std::getline(file, line)) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (++rows > kPoolRowsMax)
      return Status::InvalidArgument(
          fmt::format("{}: more than the {} lines that are taken", path, kPoolRowsMax));
    FRESHET_RETURN_IF_ERROR(ReadKeysLine(line, words).Prefixed(fmt::format("{}:{}", path, number)));
  }
  // A folder opens, but cannot be read.
  if (!file.eof()) return Status::InvalidArgument(fmt::format("cannot read {} as a file", path));
  if (rows == 0) return Status::InvalidArgument(fmt::format("{}: there is no line in it", path));
  return {};
}

Result<RequestPool> RequestPool::Make(const std::vector<std::string>& words,
                                      const ServiceDescription& description, size_t rows) {
  RequestPool pool;
  pool.rows_ = rows;
  pool.all_.feature_service = description.name;
  FRESHET_RETURN_IF_ERROR(ReadKeyValues(words, description, &pool.all_));
  for (const auto* columns : {&pool.all_.entities, &pool.all_.inputs})
    for (const NamedColumn& column : *columns) pool.size_ = column.values.size();
  return pool;
}

FeatureRequest RequestPool::Take(uint64_t index) const {
  FeatureRequest request;
  request.feature_service = all_.feature_service;
  const size_t first = (index % size_) * (rows_ % size_) % size_;
  request.entities = TakeRows(all_.entities, first, rows_);
  request.inputs = TakeRows(all_.inputs, first, rows_);
  return request;
}

}  // namespace freshet::cli
