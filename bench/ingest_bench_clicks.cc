#include "ingest_bench_clicks.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <sched.h>

#include <fmt/format.h>

namespace freshet::ingest_bench {
namespace {

constexpr size_t kUsers = 100'000;
constexpr size_t kEventBytes = 256;
constexpr double kZipfExponent = 1.0;
constexpr uint64_t kSeed = 20'261'124;
constexpr int64_t kSpanMs = 60'000;

// {0} is the source's name, {1} its log.
constexpr const char* kDefinitions = R"yaml(
entities:
  - {{name: user, join_keys: {{user_id: int64}}}}
sources:
  - name: {0}
    {1}
    timestamp: {{field: event_time, unit: ms}}
    fields: {{user_id: int64, item_id: string, kind: string, amount: double, quantity: int64}}
feature_views:
  - name: activity_{0}
    entity: user
    source: {0}
    aggregations:
      - {{name: clicks, function: count, windows: [1m, 10m, 1h]}}
      - {{name: spend, function: sum, of: amount, where: "kind == 'purchase'", windows: [1m, 10m, 1h]}}
      - {{name: mean, function: mean, of: amount, windows: [1m, 10m, 1h]}}
      - {{name: most, function: max, of: quantity, windows: [1m, 10m, 1h]}}
      - {{name: latest, function: last, of: amount, windows: [1m, 10m, 1h]}}
)yaml";

}  // namespace

void Fail(const std::string& message) {
  fmt::print(stderr, "ingest_bench: {}\n", message);
  std::exit(1);
}

void Must(const Status& status) {
  if (!status.ok()) Fail(status.ToString());
}

Spent Stopwatch::Read() const {
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(),
          static_cast<double>(std::clock() - processor_start_) / CLOCKS_PER_SEC};
}

void PinToCore(unsigned core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  if (sched_setaffinity(0, sizeof(cores), &cores) != 0) Fail("cannot pin to a core");
}

Clicks::Clicks() : random_(kSeed) {
  double sum = 0;
  for (size_t n = 1; n <= kUsers; ++n) {
    sum += 1 / std::pow(static_cast<double>(n), kZipfExponent);
    shares_.push_back(sum);
  }
}

// The n-th user clicks as often as 1/n^s.
int64_t Clicks::NextUser() {
  const double at = std::uniform_real_distribution<double>(0, shares_.back())(random_);
  return std::lower_bound(shares_.begin(), shares_.end(), at) - shares_.begin();
}

std::string Clicks::Next(int64_t time_ms) {
  const int64_t user = NextUser();
  std::string click = fmt::format(
      R"({{"event_time":{},"user_id":{},"item_id":"item-{}","kind":"{}","amount":{:.2f},"quantity":{},"page":"/shop/)",
      time_ms, user, random_() % 50'000, random_() % 10 == 0 ? "purchase" : "view",
      static_cast<double>(random_() % 100'000) / 100, random_() % 9 + 1);
  click.append(kEventBytes - click.size() - 2, 'x');
  return click + "\"}";
}

int64_t TimeOf(size_t n, size_t events, int64_t begin_ms) {
  return begin_ms + static_cast<int64_t>(n * static_cast<size_t>(kSpanMs) / events);
}

std::shared_ptr<const registry::Registry> Define(const std::string& source, const std::string& log,
                                                 const registry::Catalog& catalog) {
  yaml::Diagnostics diagnostics;
  const registry::DefinitionFile file{source + ".yaml", fmt::format(kDefinitions, source, log)};
  auto registry = registry::Registry::Build({&file, 1}, catalog, &diagnostics);
  if (registry == nullptr) Fail(diagnostics.ToString());
  return registry;
}

}  // namespace freshet::ingest_bench
