// Ingest against the least that any consumer must do, on one core, in one run.
//
//   ingest_bench [--events N] [--rounds N]
//
// A real broker gets N JSON clicks of 256 bytes from 100 000 users (Zipf). Then, in turns and pinned to one core, while the
// broker has the others: "consume and parse" reads and decodes them all; "ingest" runs the whole of it, 3 windows x 5
// aggregations, with checkpoints. Both are timed from the first record to the last. The median of the rounds' ratios is
// printed as one JSON line.
// Beside the figures by the wall clock stand those by processor time, which a busy machine distorts less.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <random>
#include <sched.h>
#include <thread>

#include <fmt/format.h>

#include "base/limits.h"
#include "ingest/decoder.h"
#include "ingest/ingestor.h"
#include "ingest/log_reader.h"
#include "registry/registry.h"
#include "store/store.h"
#include "support/kafka_broker.h"
#include "support/temp_folder.h"

namespace freshet {
namespace {

constexpr size_t kUsers = 100'000;
constexpr size_t kEventBytes = 256;
constexpr double kZipfExponent = 1.0;
constexpr uint64_t kSeed = 20'261'124;
constexpr size_t kProduceBatch = 100'000;
constexpr int kPartitions = 4;

const char* const kDefinitions = R"yaml(
entities:
  - {name: user, join_keys: {user_id: int64}}
sources:
  - name: clicks
    kafka: {topic: clicks, format: json}
    timestamp: {field: event_time, unit: ms}
    fields: {user_id: int64, item_id: string, kind: string, amount: double, quantity: int64}
feature_views:
  - name: activity
    entity: user
    source: clicks
    aggregations:
      - {name: clicks, function: count, windows: [1m, 10m, 1h]}
      - {name: spend, function: sum, of: amount, where: "kind == 'purchase'", windows: [1m, 10m, 1h]}
      - {name: mean, function: mean, of: amount, windows: [1m, 10m, 1h]}
      - {name: most, function: max, of: quantity, windows: [1m, 10m, 1h]}
      - {name: latest, function: last, of: amount, windows: [1m, 10m, 1h]}
)yaml";

[[noreturn]] void Fail(const std::string& message) {
  fmt::print(stderr, "ingest_bench: {}\n", message);
  std::exit(1);
}

void Must(const Status& status) {
  if (!status.ok()) Fail(status.ToString());
}

// Time on the wall and time of the process on its core; they differ when others want the core too.
struct Spent {
  double wall_s = 0;
  double processor_s = 0;
};

class Stopwatch {
 public:
  Spent Read() const {
    return {std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(),
            static_cast<double>(std::clock() - processor_start_) / CLOCKS_PER_SEC};
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::clock_t processor_start_ = std::clock();
};

// User numbers by Zipf's law: the n-th user clicks as often as 1/n^s.
class Zipf {
 public:
  Zipf() {
    double sum = 0;
    for (size_t n = 1; n <= kUsers; ++n) {
      sum += 1 / std::pow(static_cast<double>(n), kZipfExponent);
      shares_.push_back(sum);
    }
  }
  int64_t Next(std::mt19937_64& random) {
    const double at = std::uniform_real_distribution<double>(0, shares_.back())(random);
    return std::lower_bound(shares_.begin(), shares_.end(), at) - shares_.begin();
  }

 private:
  std::vector<double> shares_;
};

std::string Click(Zipf& zipf, std::mt19937_64& random, int64_t time_ms) {
  std::string click = fmt::format(
      R"({{"event_time":{},"user_id":{},"item_id":"item-{}","kind":"{}","amount":{:.2f},"quantity":{},"page":"/shop/)",
      time_ms, zipf.Next(random), random() % 50'000, random() % 10 == 0 ? "purchase" : "view",
      static_cast<double>(random() % 100'000) / 100, random() % 9 + 1);
  click.append(kEventBytes - click.size() - 2, 'x');
  return click + "\"}";
}

void Produce(testing::KafkaBroker& broker, size_t events) {
  broker.CreateTopic("clicks", kPartitions);
  Zipf zipf;
  std::mt19937_64 random(kSeed);
  const int64_t begin_ms = Clock::System().NowMs() - 60'000;
  for (size_t sent = 0; sent < events;) {
    std::vector<testing::KafkaRecord> records;
    for (; records.size() < kProduceBatch && sent < events; ++sent) {
      // The events span a minute, as at their own pace they would.
      const int64_t time_ms = begin_ms + static_cast<int64_t>(sent * 60'000 / events);
      records.push_back(
          {Click(zipf, random, time_ms), static_cast<int32_t>(sent % kPartitions), time_ms});
    }
    broker.Produce("clicks", records);
  }
}

// This process keeps to one core, and with it every thread that it starts from now on; the broker was started before and has
// the others.
void PinToLastCore(testing::KafkaBroker& broker) {
  const unsigned cores = std::thread::hardware_concurrency();
  if (cores < 2) return;
  cpu_set_t mine;
  cpu_set_t others;
  CPU_ZERO(&mine);
  CPU_ZERO(&others);
  CPU_SET(cores - 1, &mine);
  for (unsigned core = 0; core + 1 < cores; ++core) CPU_SET(core, &others);
  broker.SetAffinity(others);
  if (sched_setaffinity(0, sizeof(mine), &mine) != 0) Fail("cannot pin to a core");
}

struct Bench {
  std::shared_ptr<const registry::Registry> registry;
  ingest::KafkaOptions kafka;
  size_t events = 0;
};

// From the first record to the last.
Spent ConsumeAndParse(const Bench& bench, store::Store& store) {
  const registry::Source& source = *bench.registry->FindSource("clicks");
  auto reader = ingest::NewLogReader(source, bench.kafka, store);
  Must(reader.status());
  Must((*reader)->Start({}));
  const auto decoder = ingest::NewJsonDecoder(source);
  ingest::DecodedEvent event;
  std::string detail;
  std::vector<ingest::Record> records;
  std::optional<Stopwatch> stopwatch;
  for (size_t seen = 0; seen < bench.events;) {
    Must((*reader)->Poll(limits::kPollBatchRecordsMax, 100, records));
    if (records.empty()) continue;
    if (!stopwatch) stopwatch.emplace();
    seen += records.size();
    for (const ingest::Record& record : records) {
      if (decoder->Decode(record.payload, &event, &detail) != ingest::Refusal::kNone) Fail(detail);
    }
  }
  return stopwatch->Read();
}

uint64_t EventsSeen(const ingest::Ingestor& ingestor) {
  const auto counters = ingestor.Counters();
  return counters.empty() ? 0 : counters[0].events;
}

// Likewise, and the last checkpoint is written within.
Spent Ingest(const Bench& bench) {
  testing::TempFolder folder;
  auto store = store::Store::Open({.path = folder.path()});
  Must(store.status());
  ingest::IngestOptions options;
  options.kafka = bench.kafka;
  auto made = ingest::Ingestor::New(options, **store, Clock::System());
  Must(made.status());
  const std::unique_ptr<ingest::Ingestor> ingestor = *std::move(made);
  Must(ingestor->Apply(bench.registry));
  while (EventsSeen(*ingestor) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const Stopwatch stopwatch;
  while (EventsSeen(*ingestor) < bench.events) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  Must(ingestor->Stop());
  const Spent spent = stopwatch.Read();
  if (ingestor->Counters()[0].applied != bench.events) Fail("not every event was applied");
  return spent;
}

size_t Argument(int argc, char** argv, const std::string& name, size_t otherwise) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (name == argv[i]) return std::strtoull(argv[i + 1], nullptr, 10);
  }
  return otherwise;
}

struct Round {
  Spent parse;
  Spent ingest;

  double ratio() const { return parse.wall_s / ingest.wall_s; }
};

void Print(const Bench& bench, std::vector<Round> rounds) {
  std::sort(rounds.begin(), rounds.end(),
            [](const Round& a, const Round& b) { return a.ratio() < b.ratio(); });
  const Round& median = rounds[rounds.size() / 2];
  const auto events = static_cast<double>(bench.events);
  fmt::print(R"({{"bench": "ingest", "case": "json_3x5", "ratio": {:.3f}, "events_per_s": {:.0f}, )"
             R"("consume_and_parse_per_s": {:.0f}, "processor_ratio": {:.3f}, )"
             R"("events_per_processor_s": {:.0f}, "consume_and_parse_per_processor_s": {:.0f}, )"
             R"("ratio_min": {:.3f}, "ratio_max": {:.3f}, "events": {}, "rounds": {}}})"
             "\n",
             median.ratio(), events / median.ingest.wall_s, events / median.parse.wall_s,
             median.parse.processor_s / median.ingest.processor_s,
             events / median.ingest.processor_s, events / median.parse.processor_s,
             rounds.front().ratio(), rounds.back().ratio(), bench.events, rounds.size());
}

void Run(size_t events, size_t rounds) {
  testing::KafkaBroker broker({.heap = "512m", .quick_start = false});
  Bench bench;
  yaml::Diagnostics diagnostics;
  const registry::DefinitionFile file{"clicks.yaml", kDefinitions};
  bench.registry = registry::Registry::Build({&file, 1}, registry::Catalog(), &diagnostics);
  if (bench.registry == nullptr) Fail(diagnostics.ToString());
  bench.kafka.brokers = broker.address();
  bench.events = events;
  Produce(broker, events);
  PinToLastCore(broker);

  testing::TempFolder folder;
  auto store = store::Store::Open({.path = folder.path()});
  Must(store.status());
  std::vector<Round> measured;
  for (size_t round = 0; round < rounds; ++round) {
    const Spent parse = ConsumeAndParse(bench, **store);
    measured.push_back({parse, Ingest(bench)});
  }
  Print(bench, std::move(measured));
}

}  // namespace
}  // namespace freshet

int main(int argc, char** argv) {
  freshet::Run(std::max<size_t>(freshet::Argument(argc, argv, "--events", 2'000'000), 1),
               std::max<size_t>(freshet::Argument(argc, argv, "--rounds", 3), 1));
  return 0;
}
