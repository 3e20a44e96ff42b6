// Every aggregate of the table, over doubles: what an update, a merge of many slots and a value
// cost, and the bytes of a slot after a thousand events.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "aggregate/aggregate.h"
#include "base/check.h"

namespace freshet::aggregate {
namespace {

constexpr size_t kEvents = 1'000;
constexpr size_t kSlots = 60;
constexpr int64_t kStartMs = 1'700'000'000'000;
constexpr Parameters kParameters = {.half_life_ms = 3'600'000,
                                    .quantile = 0.95,
                                    .k = 10,
                                    .edges = {{5, 10, 15}, 3},
                                    .by_type = Type::kDouble};
constexpr Reading kReading = {.now_ms = kStartMs + 60'000, .window_ms = 60'000};

class Case {
 public:
  explicit Case(const std::string& name) {
    const Type type = Type::kDouble;
    auto found = FindAggregate(name, &type, kParameters);
    FRESHET_CHECK(found.ok());
    function_ = *found;
  }

  std::string Empty() const {
    std::string slot(function_->size_bytes, '\0');
    if (IsFixed()) function_->init(slot.data());
    return slot;
  }
  // The i-th event: ten a second, of two hundred different values.
  void Update(std::string& slot, size_t i) const {
    const Datum value = Datum::Double(static_cast<double>(i * 7'919 % 200) / 8);
    const EventOrder order = {kStartMs + static_cast<int64_t>(i) * 100, 0, static_cast<int64_t>(i)};
    if (IsFixed())
      function_->update(slot.data(), value, order, function_->parameters);
    else
      function_->update_variable(slot, value, Datum::Double(static_cast<double>(i % 200)), order,
                                 function_->parameters);
  }
  std::string Filled(size_t events) const {
    std::string slot = Empty();
    for (size_t i = 0; i < events; ++i) Update(slot, i);
    return slot;
  }
  void Merge(std::string& slot, const std::vector<std::string>& others) const {
    for (const std::string& other : others) {
      if (IsFixed())
        function_->merge(slot.data(), other.data());
      else
        function_->merge_variable(slot, other, function_->parameters);
    }
  }
  bool HasValue(const std::string& slot) const {
    static std::string scratch;
    Reading reading = kReading;
    reading.scratch = &scratch;
    Datum value;
    return function_->finalize(slot, reading, function_->parameters, &value) == Outcome::kValue;
  }

 private:
  bool IsFixed() const { return function_->size_bytes != 0; }

  std::shared_ptr<const Aggregate> function_;
};

void Update(benchmark::State& state, const std::string& name) {
  const Case each(name);
  std::string slot = each.Filled(kEvents);
  size_t i = 0;
  for (auto _ : state) each.Update(slot, i++ % kEvents);
  state.counters["bytes"] = static_cast<double>(slot.size());
}

// Of as many slots as a window has by default, each of so many events.
void Merge(benchmark::State& state, const std::string& name) {
  const Case each(name);
  const std::vector<std::string> slots(kSlots, each.Filled(kEvents / kSlots));
  for (auto _ : state) {
    std::string slot = each.Empty();
    each.Merge(slot, slots);
    benchmark::DoNotOptimize(slot.data());
  }
}

void Finalize(benchmark::State& state, const std::string& name) {
  const Case each(name);
  const std::string slot = each.Filled(kEvents);
  for (auto _ : state) benchmark::DoNotOptimize(each.HasValue(slot));
}

void Register() {
  for (const std::string& name : AggregateNames()) {
    benchmark::RegisterBenchmark(("update/" + name).c_str(), Update, name);
    benchmark::RegisterBenchmark(("merge_60_slots/" + name).c_str(), Merge, name);
    benchmark::RegisterBenchmark(("finalize/" + name).c_str(), Finalize, name);
  }
}

}  // namespace
}  // namespace freshet::aggregate

int main(int argc, char** argv) {
  freshet::aggregate::Register();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
