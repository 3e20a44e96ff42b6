#include "ingest_bench_lanes.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/limits.h"
#include "ingest/ingestor.h"
#include "ingest_bench_clicks.h"
#include "store/store.h"
#include "support/temp_folder.h"

namespace freshet::ingest_bench {
namespace {

struct Lane {
  std::shared_ptr<const registry::Registry> registry;
  std::string source;
};

// A store whose event logs hold the clicks of so many lanes.
struct LogsOfLanes {
  testing::TempFolder folder;
  std::unique_ptr<store::Store> store;
  std::vector<Lane> lanes;
};

void FillLog(const Lane& lane, size_t events, store::Store& store) {
  Clicks clicks;
  const int64_t now_ms = Clock::System().NowMs();
  const int64_t begin_ms = now_ms - 60'000;
  for (size_t made = 0; made < events;) {
    std::vector<std::string> payloads;
    for (; payloads.size() < limits::kPushRecordsMax && made < events; ++made)
      payloads.push_back(clicks.Next(TimeOf(made, events, begin_ms)));
    const std::vector<std::string_view> views(payloads.begin(), payloads.end());
    Must(store.AppendLog(lane.registry->FindSource(lane.source)->id, views, now_ms).status());
  }
}

std::unique_ptr<LogsOfLanes> Prepare(size_t lanes, size_t events) {
  auto bench = std::make_unique<LogsOfLanes>();
  auto opened = store::Store::Open({.path = bench->folder.path()});
  Must(opened.status());
  bench->store = *std::move(opened);
  registry::Catalog catalog;
  for (size_t i = 0; i < lanes; ++i) {
    Lane& lane = bench->lanes.emplace_back();
    lane.source = fmt::format("clicks_{}", i);
    lane.registry = Define(lane.source, "push: {}", catalog);
    catalog = lane.registry->catalog();
    FillLog(lane, events, *bench->store);
  }
  return bench;
}

// From the start to the last checkpoint.
void IngestLane(const Lane& lane, size_t events, store::Store& store) {
  auto made = ingest::Ingestor::New({}, store, Clock::System());
  Must(made.status());
  Must((*made)->Apply(lane.registry));
  while ((*made)->Counters().empty() || (*made)->Counters()[0].events < events)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  Must((*made)->Stop());
  if ((*made)->Counters()[0].applied != events) Fail("not every event was applied");
}

Spent IngestAll(std::span<const Lane> lanes, size_t events, store::Store& store) {
  const Stopwatch stopwatch;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < lanes.size(); ++i) {
    threads.emplace_back([&, i] {
      PinToCore(static_cast<unsigned>(i));
      IngestLane(lanes[i], events, store);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return stopwatch.Read();
}

struct LanesRound {
  Spent one;
  Spent two;

  double scaling() const { return 2 * one.wall_s / two.wall_s; }
  double processor_scaling() const { return 4 * one.processor_s / two.processor_s; }
};

}  // namespace

void RunLanes(size_t events, size_t rounds) {
  if (std::thread::hardware_concurrency() < 2) Fail("two lanes want two cores");
  std::vector<LanesRound> measured;
  for (size_t i = 0; i < rounds; ++i) {
    const std::unique_ptr<LogsOfLanes> bench = Prepare(3, events);
    const std::span<const Lane> lanes = bench->lanes;
    LanesRound& round = measured.emplace_back();
    round.one = IngestAll(lanes.first(1), events, *bench->store);
    round.two = IngestAll(lanes.subspan(1), events, *bench->store);
  }
  std::sort(measured.begin(), measured.end(),
            [](const LanesRound& a, const LanesRound& b) { return a.scaling() < b.scaling(); });
  const LanesRound& median = measured[measured.size() / 2];
  const auto count = static_cast<double>(events);
  fmt::print(R"({{"bench": "ingest", "case": "lanes", "scaling": {:.3f}, "scaling_min": {:.3f}, )"
             R"("scaling_max": {:.3f}, "processor_scaling": {:.3f}, "events_per_s": {:.0f}, )"
             R"("events_per_s_of_two": {:.0f}, "events_per_processor_s": {:.0f}, )"
             R"("events_per_processor_s_of_two": {:.0f}, "events": {}, "rounds": {}}})"
             "\n",
             median.scaling(), measured.front().scaling(), measured.back().scaling(),
             median.processor_scaling(), count / median.one.wall_s, 2 * count / median.two.wall_s,
             count / median.one.processor_s, 2 * count / median.two.processor_s, events,
             measured.size());
}

void RunOneLane(size_t events) {
  const std::unique_ptr<LogsOfLanes> bench = Prepare(1, events);
  const Stopwatch stopwatch;
  IngestLane(bench->lanes[0], events, *bench->store);
  const Spent spent = stopwatch.Read();
  fmt::print(R"({{"bench": "ingest", "case": "lane", "events_per_s": {:.0f}, )"
             R"("events_per_processor_s": {:.0f}, "events": {}}})"
             "\n",
             static_cast<double>(events) / spent.wall_s,
             static_cast<double>(events) / spent.processor_s, events);
}

}  // namespace freshet::ingest_bench
