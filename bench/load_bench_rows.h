// The rows of load_bench, as each of those that take them wants them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "registry/file_format.h"
#include "store/row.h"

namespace freshet::load_bench {

inline constexpr char kDefinitions[] = R"yaml(
entities:
  - {name: user, join_keys: {user_id: int64}}
sources:
  - name: users
    file: {path: users.parquet}
    timestamp: {field: at, unit: ms}
    fields: {user_id: int64, age: int32, score: double, spend: double, visits: int64, country: string, active: bool}
feature_views:
  - {name: profile, entity: user, source: users, features: [age, score, spend, visits, country, active]}
)yaml";

// FRESHET_BENCH_ROWS, or 1 000 000.
int64_t RowCount();

// The rows of users 0 to RowCount() - 1, by the same rules as write_load_files.py.
class RowMaker {
 public:
  // As the view's table has it; valid until the next call.
  std::string_view Encode(int64_t id);

 private:
  const store::RowLayout layout_{
      {Type::kInt32, Type::kDouble, Type::kDouble, Type::kInt64, Type::kString, Type::kBool}};
  std::string row_;
};

// Files of all rows in a folder that goes with the process, each written when it is first asked for.
struct LoadFilePath {
  std::string path;
  registry::FileFormat format = registry::FileFormat::kParquet;
};
// `name`: sorted.parquet, unsorted.parquet, sorted.csv or sorted.jsonl. Empty where Parquet cannot be
// written.
LoadFilePath FileOf(std::string_view name);

// One HSET for each user, as Redis takes them over a connection.
void WriteRedisCommands(const std::string& path);

}  // namespace freshet::load_bench
