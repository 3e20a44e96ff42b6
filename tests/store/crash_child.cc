// The process that the crash tests kill. `crash_child events FOLDER SEED` goes on from the stored
// positions for ever; `crash_child load FOLDER NUMBER STEP` loads a generation and ends itself,
// without any cleaning up, after a step. It says "open" once the store is open.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>
#include <unistd.h>

#include "base/check.h"
#include "crash_events.h"
#include "store/generation_writer.h"
#include "store/row.h"
#include "store/store.h"

namespace freshet::store {
namespace {

std::unique_ptr<Store> Open(const std::string& folder) {
  StoreOptions options;
  options.path = folder;
  options.cache_bytes = 64 * 900;
  options.write_buffer_bytes = 128u << 10;  // flushes happen, too
  options.checkpoint_file_bytes = 1'500;    // some checkpoints go through the log, some as files
  Result<std::unique_ptr<Store>> store = Store::Open(options);
  if (!store.ok()) {
    std::fprintf(stderr, "%s\n", store.status().ToString().c_str());
    std::exit(3);
  }
  std::puts("open");
  std::fflush(stdout);
  return std::move(*store);
}

void RunEvents(const std::string& folder, uint64_t seed) {
  std::unique_ptr<Store> store = Open(folder);
  std::mt19937_64 random(seed);
  std::array<int64_t, kCrashPartitions> next = {};
  Result<std::vector<Position>> positions = store->ReadPositions(kCrashTable);
  FRESHET_CHECK(positions.ok());
  for (const Position& position : *positions) next[position.partition] = position.next_offset;

  std::thread appender([&] {  // synced writes of other column families in between
    for (;;) {
      const std::string_view payloads[] = {"record"};
      FRESHET_CHECK(store->AppendLog(kCrashSource, payloads, 1).ok());
    }
  });
  std::unique_ptr<TimelineWriter> writer = store->NewTimelineWriter();
  std::thread checkpoint;
  std::atomic<bool> writing{false};
  for (;;) {
    for (uint64_t left = random() % 40; left > 0; --left) {
      uint32_t partition = random() % kCrashPartitions;
      int64_t offset = next[partition]++;
      FRESHET_CHECK(writer
                        ->Update(kCrashTable, CrashKey(EntityOfEvent(partition, offset)),
                                 [&](std::string& bytes) { ApplyEvent(partition, offset, bytes); })
                        .ok());
    }
    if (writing) continue;
    if (checkpoint.joinable()) checkpoint.join();
    FRESHET_CHECK(writer->Freeze({{kCrashTable, 0, next[0]}, {kCrashTable, 1, next[1]}}).ok());
    writing = true;
    checkpoint = std::thread([&] {
      FRESHET_CHECK(writer->Write().ok());
      writing = false;
    });
  }
}

constexpr uint32_t kView = 1;
constexpr int kRows = 500;

void RunLoad(const std::string& folder, int64_t number, const std::string& step) {
  std::unique_ptr<Store> store = Open(folder);
  const std::vector<Type> types = {Type::kInt64};
  RowLayout layout(types);
  std::unique_ptr<GenerationWriter> writer =
      std::move(*store->NewGeneration(kView, {"number"}, types, 10'000));
  auto& steps = static_cast<SortingGenerationWriter&>(*writer);
  auto end_after = [&](const char* name) {
    if (step == name) _exit(0);
  };
  end_after("begin");
  for (int i = 0; i < kRows; ++i) {
    std::string row;
    const Datum values[] = {Datum::Int(number)};
    layout.Encode(1, values, row);
    FRESHET_CHECK(writer->Add("key" + std::to_string(i), row).ok());
    if (i == kRows / 2) end_after("spill");
  }
  FRESHET_CHECK(writer->Finish([](uint64_t) {}).ok());
  end_after("finish");
  FRESHET_CHECK(steps.Ingest().ok());
  end_after("ingest");
  FRESHET_CHECK(steps.Flip().ok());
  end_after("flip");
  writer.reset();
  end_after("end");
}

}  // namespace
}  // namespace freshet::store

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "events" && argc == 4) {
    freshet::store::RunEvents(argv[2], std::strtoull(argv[3], nullptr, 10));
  } else if (mode == "load" && argc == 5) {
    freshet::store::RunLoad(argv[2], std::strtoll(argv[3], nullptr, 10), argv[4]);
  } else {
    return 2;
  }
}
