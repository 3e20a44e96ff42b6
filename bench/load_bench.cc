// Loading a file, from its bytes to served rows, against what any loader must do: RocksDB's own file
// writer that is handed the same rows ready made and in order, Arrow's reading of the file alone, and Redis taking
// the same rows. FRESHET_BENCH_ROWS says how many rows.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sched.h>
#include <signal.h>
#include <string>
#include <string_view>
#include <thread>
#include <time.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>

#include "base/check.h"
#include "load/adoption.h"
#include "load/loader.h"
#include "load_bench_arrow.h"
#include "load_bench_rows.h"
#include "registry/registry.h"
#include "store/entity_key.h"
#include "store/store.h"
#include "support/subprocess.h"
#include "support/temp_folder.h"

namespace freshet::load_bench {
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

// Keeps this thread, and those that it starts, to the first so many of the processors it may use.
class Cores {
 public:
  explicit Cores(int64_t count) {
    FRESHET_CHECK(sched_getaffinity(0, sizeof(before_), &before_) == 0);
    cpu_set_t some = {};
    for (int core = 0; core < CPU_SETSIZE && CPU_COUNT(&some) < count; ++core) {
      if (CPU_ISSET(core, &before_)) CPU_SET(core, &some);
    }
    FRESHET_CHECK(sched_setaffinity(0, sizeof(some), &some) == 0);
  }
  ~Cores() { sched_setaffinity(0, sizeof(before_), &before_); }
  Cores(const Cores&) = delete;
  Cores& operator=(const Cores&) = delete;

 private:
  cpu_set_t before_ = {};
};

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

// Of one whole load; *bytes_written: of the files that are served then.
Cost LoadCost(store::Store& store, const std::shared_ptr<const registry::Registry>& registry,
              const LoadFilePath& source, uint64_t* bytes_written) {
  return CostOf([&] {
    auto load = load::Load::Start(registry, "profile", {.format = source.format}, store);
    FRESHET_CHECK(load.ok());
    DiskFile file(source.path);
    FRESHET_CHECK((*load)->ReadFile(file, [] {}).ok());
    FRESHET_CHECK((*load)->Finish([](load::LoadPhase, uint64_t) {}).ok());
    FRESHET_CHECK((*load)->report().rows_kept == static_cast<uint64_t>(RowCount()));
    *bytes_written = (*load)->report().bytes_written;
  });
}

// With the filter and the compression that the store's own files have. The cost of making the rows is
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
  const int64_t row_count = RowCount();
  for (int64_t id = 0; id < row_count;) {
    size_t count = 0;
    for (; count < kRowsPerBlock && id < row_count; ++count, ++id) {
      block[count].first.assign(sizeof(store::TableId), '\1');
      FRESHET_CHECK(store::AppendEntityKey(Type::kInt64, Datum::Int(id), block[count].first).ok());
      block[count].second = maker.Encode(id);
    }
    total += CostOf([&] {
      for (size_t i = 0; i < count; ++i)
        FRESHET_CHECK(writer.Put(block[i].first, block[i].second).ok());
    });
  }
  total += CostOf([&] { FRESHET_CHECK(writer.Finish().ok()); });
  return total;
}

double RowsPerSecond(const benchmark::State& state, const Cost& cost) {
  return static_cast<double>(state.iterations()) * static_cast<double>(RowCount()) /
         cost.wall.count();
}

// `ratio` is the load's rate over the bare writer's, `arrow_ratio` over that of Arrow reading the file;
// `cpu_ratio` as `ratio`, by processor time.
void LoadFrom(benchmark::State& state, const char* name) {
  const LoadFilePath source = FileOf(name);
  if (source.path.empty()) {
    state.SkipWithError("python3 with pyarrow cannot write the files");
    return;
  }
  const testing::TempFolder folder;
  auto store = store::Store::Open({.path = folder.File("data")});
  FRESHET_CHECK(store.ok());
  const auto registry = BuildRegistry();
  const Cores cores(state.range(0));
  Cost load;
  Cost bare;
  Cost arrow;
  uint64_t bytes_written = 0;
  for (auto _ : state) {
    load += LoadCost(**store, registry, source, &bytes_written);
    bare += SstFileWriterCost(folder.File("bare.sst"));
    arrow += CostOf([&] { ReadWithArrow(source); });
  }
  const auto rows = static_cast<double>(RowCount());
  state.counters["ratio"] = bare.wall / load.wall;
  state.counters["cpu_ratio"] = bare.processor / load.processor;
  state.counters["arrow_ratio"] = arrow.wall / load.wall;
  state.counters["load_rows_per_second"] = RowsPerSecond(state, load);
  state.counters["bare_rows_per_second"] = RowsPerSecond(state, bare);
  state.counters["file_bytes_per_row"] =
      static_cast<double>(std::filesystem::file_size(source.path)) / rows;
  state.counters["served_bytes_per_row"] = static_cast<double>(bytes_written) / rows;
}
BENCHMARK_CAPTURE(LoadFrom, sorted_parquet, "sorted.parquet")
    ->ArgName("cores")
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);
BENCHMARK_CAPTURE(LoadFrom, unsorted_parquet, "unsorted.parquet")
    ->ArgName("cores")
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);
BENCHMARK_CAPTURE(LoadFrom, sorted_csv, "sorted.csv")
    ->ArgName("cores")
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);
BENCHMARK_CAPTURE(LoadFrom, sorted_jsonl, "sorted.jsonl")
    ->ArgName("cores")
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

// Of adopting rows that were built, checks and all.
Cost AdoptCost(store::Store& store, const std::shared_ptr<const registry::Registry>& registry,
               const std::string& folder) {
  return CostOf([&] {
    auto load = load::StartAdoption(registry, "profile", {}, folder, store);
    FRESHET_CHECK(load.ok());
    FRESHET_CHECK((*load)->Finish([](load::LoadPhase, uint64_t) {}).ok());
    FRESHET_CHECK((*load)->report().rows_kept == static_cast<uint64_t>(RowCount()));
  });
}

Cost BuildCost(const std::shared_ptr<const registry::Registry>& registry,
               const LoadFilePath& source, const std::string& folder) {
  return CostOf([&] {
    auto load = load::Load::StartBuild(registry, "profile", {.format = source.format}, folder);
    FRESHET_CHECK(load.ok());
    DiskFile file(source.path);
    FRESHET_CHECK((*load)->ReadFile(file, [] {}).ok());
    FRESHET_CHECK((*load)->Finish([](load::LoadPhase, uint64_t) {}).ok());
  });
}

// `ratio` is the rate of adopting over the bare writer's, `load_ratio` over that of loading the file that the
// rows were built from, `build_ratio` that of building over that of loading; `cpu_` is by processor time.
void AdoptBuilt(benchmark::State& state) {
  const LoadFilePath source = FileOf("unsorted.parquet");
  if (source.path.empty()) {
    state.SkipWithError("python3 with pyarrow cannot write the files");
    return;
  }
  const testing::TempFolder folder;
  auto store = store::Store::Open({.path = folder.File("data")});
  FRESHET_CHECK(store.ok());
  const auto registry = BuildRegistry();
  const Cores cores(state.range(0));
  Cost load;
  Cost build;
  Cost adopt;
  Cost bare;
  uint64_t bytes_written = 0;
  for (auto _ : state) {
    const std::string built = folder.File("built");
    std::filesystem::remove_all(built);
    build += BuildCost(registry, source, built);
    load += LoadCost(**store, registry, source, &bytes_written);
    adopt += AdoptCost(**store, registry, built);
    bare += SstFileWriterCost(folder.File("bare.sst"));
  }
  state.counters["ratio"] = bare.wall / adopt.wall;
  state.counters["cpu_ratio"] = bare.processor / adopt.processor;
  state.counters["load_ratio"] = load.wall / adopt.wall;
  state.counters["cpu_load_ratio"] = load.processor / adopt.processor;
  state.counters["build_ratio"] = load.wall / build.wall;
  state.counters["adopt_rows_per_second"] = RowsPerSecond(state, adopt);
}
BENCHMARK(AdoptBuilt)
    ->ArgName("cores")
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

// A Redis that keeps nothing on disk.
class RedisServer {
 public:
  explicit RedisServer(const testing::TempFolder& folder) : socket_(folder.File("redis.socket")) {
    process_ =
        testing::StartProgram({"redis-server", "--port", "0", "--unixsocket", socket_, "--save", "",
                               "--appendonly", "no", "--dir", folder.path()},
                              STDIN_FILENO, folder.File("redis.out"), folder.File("redis.err"));
    FRESHET_CHECK(process_ > 0);
    while (Ask("ping") != 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ~RedisServer() {
    kill(process_, SIGTERM);
    testing::WaitForExit(process_);
  }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  // What redis-cli ends with.
  int Ask(std::string_view arguments) const {
    return std::system(
        fmt::format("redis-cli -s '{}' {} >/dev/null 2>&1", socket_, arguments).c_str());
  }

 private:
  const std::string socket_;
  pid_t process_ = -1;
};

// `ratio` is the rate of loading an unsorted Parquet file over that of Redis taking the rows from a
// pipeline of HSET commands, server and sender on whatever cores there are.
void LoadBesideRedis(benchmark::State& state) {
  const LoadFilePath source = FileOf("unsorted.parquet");
  if (source.path.empty()) {
    state.SkipWithError("python3 with pyarrow cannot write the files");
    return;
  }
  const testing::TempFolder folder;
  const std::string commands = folder.File("commands");
  WriteRedisCommands(commands);
  const RedisServer redis(folder);
  auto store = store::Store::Open({.path = folder.File("data")});
  FRESHET_CHECK(store.ok());
  const auto registry = BuildRegistry();
  Cost load;
  Cost taken;
  uint64_t bytes_written = 0;
  for (auto _ : state) {
    load += LoadCost(**store, registry, source, &bytes_written);
    taken += CostOf([&] { FRESHET_CHECK(redis.Ask(fmt::format("--pipe < '{}'", commands)) == 0); });
  }
  state.counters["ratio"] = taken.wall / load.wall;
  state.counters["load_rows_per_second"] = RowsPerSecond(state, load);
  state.counters["redis_rows_per_second"] = RowsPerSecond(state, taken);
}

}  // namespace
}  // namespace freshet::load_bench

int main(int argc, char** argv) {
  using freshet::load_bench::LoadBesideRedis;
  if (std::system("command -v redis-server redis-cli >/dev/null") == 0) {
    benchmark::RegisterBenchmark("LoadBesideRedis", LoadBesideRedis)
        ->Unit(benchmark::kMillisecond)
        ->Iterations(1);
  } else {
    fmt::print(stderr, "load_bench: Redis is left out: apt-get install redis-server\n");
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
