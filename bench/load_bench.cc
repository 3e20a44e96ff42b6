// Loading a Parquet file, from its bytes to served rows, against RocksDB's own file writer that is handed
// the same rows, ready made and in order. FRESHET_BENCH_ROWS says how many.
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdlib.h>
#include <string>
#include <string_view>
#include <time.h>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>

#include "base/check.h"
#include "load/loader.h"
#include "registry/registry.h"
#include "store/entity_key.h"
#include "store/row.h"
#include "store/store.h"

namespace freshet::load {
namespace {

using Seconds = std::chrono::duration<double>;

struct Cost {
  Seconds wall{0};
  Seconds processor{0};  // of all threads

  Cost& operator+=(const Cost& other) {
    wall += other.wall;
    processor += other.processor;
    return *this;
  }
};

Seconds ProcessorTime() {
  timespec time = {};
  FRESHET_CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

template <typename Work>
Cost CostOf(Work work) {
  const auto begin = std::chrono::steady_clock::now();
  const Seconds processor_begin = ProcessorTime();
  work();
  return {std::chrono::steady_clock::now() - begin, ProcessorTime() - processor_begin};
}

constexpr char kDefinitions[] = R"yaml(
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

constexpr std::array<const char*, 12> kCountries = {"AR", "BR", "CN", "DE", "FI", "FR",
                                                    "IN", "JP", "NL", "NO", "SE", "US"};

int64_t RowCount() {
  const char* given = std::getenv("FRESHET_BENCH_ROWS");
  return given == nullptr ? 1'000'000 : std::strtoll(given, nullptr, 10);
}

// The row of a user, as write_load_files.py has it.
class RowMaker {
 public:
  std::string_view Make(int64_t id) {
    const Datum values[] = {
        Datum::Int(id * 104'729 % 90),
        Datum::Double(static_cast<double>(id * 1'299'709 % 1'000'003) / 1'000'003.0),
        Datum::Double(static_cast<double>(id * 15'485'863 % 100'000) / 100.0),
        Datum::Int(id * 32'452'843 % 1'000),
        Datum::String(kCountries[static_cast<size_t>(id * 5 % 12)]),
        Datum::Bool(id * 3 % 2 == 0)};
    row_.clear();
    layout_.Encode(1'780'000'000'000 + id * 7'919 % 86'400'000, values, row_);
    return row_;
  }

 private:
  const store::RowLayout layout_{
      {Type::kInt32, Type::kDouble, Type::kDouble, Type::kInt64, Type::kString, Type::kBool}};
  std::string row_;
};

class Folder {
 public:
  Folder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "freshet-bench-XXXXXX").string();
    FRESHET_CHECK(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The folder with sorted.parquet and unsorted.parquet, written once; empty where they cannot be.
const std::string& FilesFolder() {
  static const Folder folder;
  static const std::string path = [] {
    const std::string command =
        fmt::format("PYTHONPATH='{}' python3 '{}' '{}' {}", FRESHET_PYTHON_PACKAGES,
                    FRESHET_WRITE_LOAD_FILES, folder.path(), RowCount());
    return std::system(command.c_str()) == 0 ? folder.path() : std::string();
  }();
  return path;
}

class DiskFile final : public LoadFile {
 public:
  explicit DiskFile(const std::string& path)
      : LoadFile(path, std::filesystem::file_size(path)), stream_(path, std::ios::binary) {}

  Status ReadAt(uint64_t offset, size_t count, char* bytes) override {
    stream_.seekg(static_cast<std::streamoff>(offset));
    stream_.read(bytes, static_cast<std::streamsize>(count));
    return stream_.good() ? Status::Ok() : Status::IoError("the file cannot be read");
  }

 private:
  std::ifstream stream_;
};

std::shared_ptr<const registry::Registry> BuildRegistry() {
  const std::vector<registry::DefinitionFile> files = {{"bench.yaml", kDefinitions}};
  yaml::Diagnostics diagnostics;
  auto registry = registry::Registry::Build(files, registry::Catalog(), &diagnostics);
  FRESHET_CHECK(registry != nullptr);
  return registry;
}

Cost LoadCost(store::Store& store, const std::shared_ptr<const registry::Registry>& registry,
              const std::string& path) {
  return CostOf([&] {
    auto load = Load::Start(registry, "profile", {.format = registry::FileFormat::kParquet}, store);
    FRESHET_CHECK(load.ok());
    DiskFile file(path);
    FRESHET_CHECK((*load)->ReadFile(file, [] {}).ok());
    FRESHET_CHECK((*load)->Finish([](LoadPhase, uint64_t) {}).ok());
    FRESHET_CHECK((*load)->report().rows_kept == static_cast<uint64_t>(RowCount()));
  });
}

// With the filter and the compression that the store's own files have. The time of making the rows is
// left out.
Cost SstFileWriterCost(const std::string& path) {
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  table.format_version = 5;
  rocksdb::Options options;
  options.compression = rocksdb::kLZ4Compression;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), options);
  FRESHET_CHECK(writer.Open(path).ok());
  constexpr size_t kRowsPerBlock = 10'000;
  std::vector<std::pair<std::string, std::string>> block(kRowsPerBlock);
  RowMaker maker;
  Cost total;
  for (int64_t id = 0; id < RowCount();) {
    size_t count = 0;
    for (; count < kRowsPerBlock && id < RowCount(); ++count, ++id) {
      block[count].first.assign(sizeof(store::TableId), '\1');
      FRESHET_CHECK(store::AppendEntityKey(Type::kInt64, Datum::Int(id), block[count].first).ok());
      block[count].second = maker.Make(id);
    }
    total += CostOf([&] {
      for (size_t i = 0; i < count; ++i)
        FRESHET_CHECK(writer.Put(block[i].first, block[i].second).ok());
    });
  }
  total += CostOf([&] { FRESHET_CHECK(writer.Finish().ok()); });
  return total;
}

// `ratio` is the load's rate over the bare writer's, `cpu_ratio` what it is on a single core.
void LoadParquet(benchmark::State& state, const char* name) {
  if (FilesFolder().empty()) {
    state.SkipWithError("python3 with pyarrow cannot write the files");
    return;
  }
  const Folder folder;
  auto store = store::Store::Open({.path = folder.path() + "/data"});
  FRESHET_CHECK(store.ok());
  const auto registry = BuildRegistry();
  const std::string file = fmt::format("{}/{}.parquet", FilesFolder(), name);
  Cost load;
  Cost bare;
  for (auto _ : state) {
    load += LoadCost(**store, registry, file);
    bare += SstFileWriterCost(folder.path() + "/bare.sst");
  }
  const double rows = static_cast<double>(state.iterations()) * static_cast<double>(RowCount());
  state.counters["ratio"] = bare.wall / load.wall;
  state.counters["cpu_ratio"] = bare.processor / load.processor;
  state.counters["load_rows_per_second"] = rows / load.wall.count();
  state.counters["bare_rows_per_second"] = rows / bare.wall.count();
}
BENCHMARK_CAPTURE(LoadParquet, sorted, "sorted")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(LoadParquet, unsorted, "unsorted")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace freshet::load

BENCHMARK_MAIN();
