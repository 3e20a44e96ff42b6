// What the cases of ingest_bench have in common: clicks, their definitions, and what a run spends.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "freshet/status.h"

#include "registry/registry.h"

namespace freshet::ingest_bench {

[[noreturn]] void Fail(const std::string& message);
void Must(const Status& status);

// Time on the wall and processor time of all threads of the process; they differ when others want the cores too.
struct Spent {
  double wall_s = 0;
  double processor_s = 0;
};

class Stopwatch {
 public:
  Spent Read() const;

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::clock_t processor_start_ = std::clock();
};

// The calling thread keeps to one core, and with it every thread that it starts from now on.
void PinToCore(unsigned core);

// JSON clicks of 256 bytes from 100 000 users by Zipf's law, the same ones at every run, but for their time.
class Clicks {
 public:
  Clicks();
  std::string Next(int64_t time_ms);

 private:
  int64_t NextUser();

  std::mt19937_64 random_;
  std::vector<double> shares_;  // of the first n users together
};

// When the n-th of so many events happens that span a minute, as at their own pace they would.
int64_t TimeOf(size_t n, size_t events, int64_t begin_ms);

// 3 windows x 5 aggregations of the clicks of one source. `log` is what the source reads, as definitions write it. Ids go
// on from `catalog`, so that several sources have tables of their own.
std::shared_ptr<const registry::Registry> Define(const std::string& source, const std::string& log,
                                                 const registry::Catalog& catalog);

}  // namespace freshet::ingest_bench
