// Ingest against the least that any consumer must do, and two lanes against one, each in one run.
//
//   ingest_bench [--case kafka|lanes|lane] [--events N] [--rounds N]
//
// kafka, which is the default: a real broker gets N JSON clicks of 256 bytes from 100 000 users (Zipf). Then, in turns and
// pinned to one core, while the broker has the others: "consume and parse" reads and decodes them all; "ingest" runs the whole
// of it, 3 windows x 5 aggregations, with checkpoints. Both are timed from the first record to the last. The median of the
// rounds' ratios is printed as one JSON line.
// lanes and lane: the same clicks from event logs, as ingest_bench_lanes.h says.
// Beside the figures by the wall clock stand those by processor time, which a busy machine distorts less.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <sched.h>
#include <string>
#include <thread>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/limits.h"
#include "ingest/decoder.h"
#include "ingest/ingestor.h"
#include "ingest/log_reader.h"
#include "ingest_bench_clicks.h"
#include "ingest_bench_lanes.h"
#include "registry/registry.h"
#include "store/store.h"
#include "support/kafka_broker.h"
#include "support/temp_folder.h"

namespace freshet::ingest_bench {
namespace {

constexpr size_t kProduceBatch = 100'000;
constexpr int kPartitions = 4;

void Produce(testing::KafkaBroker& broker, size_t events) {
  broker.CreateTopic("clicks", kPartitions);
  Clicks clicks;
  const int64_t begin_ms = Clock::System().NowMs() - 60'000;
  for (size_t sent = 0; sent < events;) {
    std::vector<testing::KafkaRecord> records;
    for (; records.size() < kProduceBatch && sent < events; ++sent) {
      const int64_t time_ms = TimeOf(sent, events, begin_ms);
      records.push_back({clicks.Next(time_ms), static_cast<int32_t>(sent % kPartitions), time_ms});
    }
    broker.Produce("clicks", records);
  }
}

// The broker was started before and has the other cores.
void PinToLastCore(testing::KafkaBroker& broker) {
  const unsigned cores = std::thread::hardware_concurrency();
  if (cores < 2) return;
  cpu_set_t others;
  CPU_ZERO(&others);
  for (unsigned core = 0; core + 1 < cores; ++core) CPU_SET(core, &others);
  broker.SetAffinity(others);
  PinToCore(cores - 1);
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

std::string Argument(int argc, char** argv, const std::string& name, const std::string& otherwise) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (name == argv[i]) return argv[i + 1];
  }
  return otherwise;
}

size_t CountArgument(int argc, char** argv, const std::string& name, const std::string& otherwise) {
  return std::max<size_t>(std::strtoull(Argument(argc, argv, name, otherwise).c_str(), nullptr, 10),
                          1);
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

void RunKafka(size_t events, size_t rounds) {
  testing::KafkaBroker broker({.heap = "512m", .quick_start = false});
  Bench bench;
  bench.registry = Define("clicks", "kafka: {topic: clicks, format: json}", registry::Catalog());
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

void Run(int argc, char** argv) {
  const std::string wanted = Argument(argc, argv, "--case", "kafka");
  const size_t events = CountArgument(argc, argv, "--events", "2000000");
  const size_t rounds = CountArgument(argc, argv, "--rounds", "3");
  if (wanted == "kafka") return RunKafka(events, rounds);
  if (wanted == "lanes") return RunLanes(events, rounds);
  if (wanted == "lane") return RunOneLane(events);
  Fail(fmt::format("there is no case '{}'; there are kafka, lanes and lane", wanted));
}

}  // namespace
}  // namespace freshet::ingest_bench

int main(int argc, char** argv) {
  freshet::ingest_bench::Run(argc, argv);
  return 0;
}
