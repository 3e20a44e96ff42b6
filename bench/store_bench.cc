// The store's costs: encoding a key, reading a row, looking state up in the cache, changing it,
// writing a checkpoint, and loading a generation against RocksDB's own file writer.
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>

#include "base/check.h"
#include "store/entity_key.h"
#include "store/row.h"
#include "store/store.h"
#include "support/temp_folder.h"

namespace freshet::store {
namespace {

constexpr TableId kTable = 1;
constexpr size_t kTimelineBytes = 400;  // a sparse timeline
constexpr int kEntities = 100'000;

// A store in a folder of its own.
class OpenStore {
 public:
  OpenStore() {
    StoreOptions options;
    options.path = folder_.File("data");
    Result<std::unique_ptr<Store>> store = Store::Open(options);
    FRESHET_CHECK(store.ok());
    store_ = std::move(*store);
  }
  Store* operator->() const { return store_.get(); }
  const std::string& folder() const { return folder_.path(); }

 private:
  testing::TempFolder folder_;  // first, so that it goes last
  std::unique_ptr<Store> store_;
};

std::string KeyOf(int64_t user) {
  std::string key;
  FRESHET_CHECK(AppendEntityKey(Type::kInt64, Datum::Int(user), key).ok());
  return key;
}

void EncodeIntegerKey(benchmark::State& state) {
  std::string key;
  int64_t user = 0;
  for (auto _ : state) {
    key.clear();
    benchmark::DoNotOptimize(AppendEntityKey(Type::kInt64, Datum::Int(++user), key));
  }
}
BENCHMARK(EncodeIntegerKey);

void EncodeTextKey(benchmark::State& state) {
  std::string key;
  for (auto _ : state) {
    key.clear();
    benchmark::DoNotOptimize(
        AppendEntityKey(Type::kString, Datum::String("user-0123456789abcdef"), key));
  }
}
BENCHMARK(EncodeTextKey);

void ReadRowOfTenColumns(benchmark::State& state) {
  RowLayout layout({Type::kInt64, Type::kDouble, Type::kString, Type::kBool, Type::kInt32,
                    Type::kFloat, Type::kTimestamp, Type::kString, Type::kDouble, Type::kInt64});
  const std::vector<Datum> values = {
      Datum::Int(1), Datum::Double(2.5), Datum::String("country"),      Datum::Bool(true),
      Datum::Int(7), Datum::Double(0.5), Datum::Int(1'700'000'000'000), Datum::String("a"),
      Datum::Null(), Datum::Int(9)};
  std::string row;
  layout.Encode(1, values, row);
  for (auto _ : state) {
    for (size_t i = 0; i < values.size(); ++i) benchmark::DoNotOptimize(layout.Read(row, i));
  }
}
BENCHMARK(ReadRowOfTenColumns);

void Fill(OpenStore& store, int entities) {
  auto writer = store->NewTimelineWriter();
  for (int i = 0; i < entities; ++i) {
    FRESHET_CHECK(writer
                      ->Update(kTable, KeyOf(i),
                               [](std::string& bytes) { bytes.assign(kTimelineBytes, 'x'); })
                      .ok());
  }
  FRESHET_CHECK(writer->Freeze({}).ok());
  FRESHET_CHECK(writer->Write().ok());
}

// Keys spread over all entities, so that entries come from memory and not from the CPU's caches.
void LookupCached(benchmark::State& state) {
  OpenStore store;
  Fill(store, kEntities);
  const auto count = static_cast<size_t>(state.range(0));
  std::vector<std::string> names;
  for (int64_t i = 0; i < kEntities; ++i) names.push_back(KeyOf(i * 7'919 % kEntities));
  std::vector<StateKey> keys(count);
  size_t next = 0;
  for (auto _ : state) {
    for (StateKey& key : keys) {
      key = {TableKind::kTimelines, kTable, names[next]};
      next = next + 1 == names.size() ? 0 : next + 1;
    }
    size_t bytes_found = 0;
    Status status =
        store->Lookup(keys, [&](size_t, std::string_view bytes) { bytes_found += bytes.size(); });
    FRESHET_CHECK(status.ok() && bytes_found == count * kTimelineBytes);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(LookupCached)->Arg(1)->Arg(100);

void UpdateHot(benchmark::State& state) {
  OpenStore store;
  auto writer = store->NewTimelineWriter();
  const std::string key = KeyOf(1);
  for (auto _ : state) {
    Status status = writer->Update(kTable, key, [](std::string& bytes) {
      if (bytes.empty()) bytes.assign(kTimelineBytes, 'x');
      ++bytes[7];
    });
    FRESHET_CHECK(status.ok());
  }
}
BENCHMARK(UpdateHot);

// Freeze and Write; the updates before them are not counted.
void CheckpointTenThousand(benchmark::State& state) {
  constexpr int kTimelines = 10'000;
  OpenStore store;
  auto writer = store->NewTimelineWriter();
  std::vector<std::string> names;
  for (int64_t i = 0; i < kTimelines; ++i) names.push_back(KeyOf(i * 7'919));
  for (auto _ : state) {
    state.PauseTiming();
    for (const std::string& name : names) {
      FRESHET_CHECK(
          writer
              ->Update(kTable, name, [](std::string& bytes) { bytes.assign(kTimelineBytes, 'x'); })
              .ok());
    }
    state.ResumeTiming();
    FRESHET_CHECK(writer->Freeze({{kTable, 0, 1}}).ok());
    FRESHET_CHECK(writer->Write().ok());
  }
  state.SetItemsProcessed(state.iterations() * kTimelines);
}
BENCHMARK(CheckpointTenThousand)->Unit(benchmark::kMillisecond);

using Seconds = std::chrono::duration<double>;

struct SampleRows {
  std::vector<std::string> keys;
  std::string row;
};

SampleRows MakeRows(int count) {
  SampleRows rows;
  for (int i = 0; i < count; ++i) rows.keys.push_back(KeyOf(i));
  RowLayout layout({Type::kInt32, Type::kString, Type::kDouble, Type::kInt64});
  const std::vector<Datum> values = {Datum::Int(42), Datum::String("a country"),
                                     Datum::Double(0.25), Datum::Int(1'234'567)};
  layout.Encode(1'700'000'000'000, values, rows.row);
  return rows;
}

Seconds TimeLoad(OpenStore& store, const SampleRows& rows, int64_t stride) {
  auto begin = std::chrono::steady_clock::now();
  auto writer = store->NewGeneration(1, {"a", "b", "c", "d"},
                                     {Type::kInt32, Type::kString, Type::kDouble, Type::kInt64},
                                     size_t{256} << 20);
  FRESHET_CHECK(writer.ok());
  const auto count = static_cast<int64_t>(rows.keys.size());
  for (int64_t i = 0; i < count; ++i)
    FRESHET_CHECK((*writer)->Add(rows.keys[i * stride % count], rows.row).ok());
  FRESHET_CHECK((*writer)->Finish([](uint64_t) {}).ok());
  FRESHET_CHECK((*writer)->Publish().ok());
  return std::chrono::steady_clock::now() - begin;
}

// The same rows in order into one file with the same filter and compression.
Seconds TimeSstFileWriter(const OpenStore& store, const SampleRows& rows) {
  auto begin = std::chrono::steady_clock::now();
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  table.format_version = 5;
  rocksdb::Options options;
  options.compression = rocksdb::kLZ4Compression;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), options);
  FRESHET_CHECK(writer.Open(store.folder() + "/bare.sst").ok());
  std::string key(sizeof(TableId), '\0');
  for (const std::string& name : rows.keys) {
    key.resize(sizeof(TableId));
    key += name;
    FRESHET_CHECK(writer.Put(key, rows.row).ok());
  }
  FRESHET_CHECK(writer.Finish().ok());
  return std::chrono::steady_clock::now() - begin;
}

// `ratio` is the load's rate over the bare writer's. The argument is how far apart rows that follow
// each other in the load lie in key order: 1 is a sorted file.
void LoadAgainstSstFileWriter(benchmark::State& state) {
  constexpr int kRows = 1'000'000;
  OpenStore store;
  SampleRows rows = MakeRows(kRows);
  Seconds load{0};
  Seconds bare{0};
  for (auto _ : state) {
    load += TimeLoad(store, rows, state.range(0));
    bare += TimeSstFileWriter(store, rows);
  }
  const double total_rows = static_cast<double>(state.iterations()) * kRows;
  state.counters["ratio"] = bare / load;
  state.counters["load_rows_per_second"] = total_rows / load.count();
  state.counters["bare_rows_per_second"] = total_rows / bare.count();
}
BENCHMARK(LoadAgainstSstFileWriter)->Arg(1)->Arg(7'919)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace freshet::store

BENCHMARK_MAIN();
