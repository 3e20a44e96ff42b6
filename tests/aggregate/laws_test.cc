// The laws that the timeline stands on, for every aggregate over every type: a slot hangs on the
// set of events alone.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <random>

#include <gtest/gtest.h>

#include "aggregate/slots.h"
#include "support/seed.h"

namespace freshet::aggregate {
namespace {

std::vector<SharedAggregate> AllAggregates() {
  std::vector<SharedAggregate> all;
  for (const std::string& name : AggregateNames()) {
    if (const auto found = FindAggregate(name, nullptr, kParameters); found.ok())
      all.push_back(*found);
    for (int kind = 1; kind <= 9; ++kind) {
      Type input = static_cast<Type::Kind>(kind);
      if (input == Type::kDecimal) input = Type::Decimal(2);
      if (const auto found = FindAggregate(name, &input, kParameters); found.ok())
        all.push_back(*found);
    }
  }
  return all;
}

class Laws : public ::testing::TestWithParam<SharedAggregate> {
 protected:
  Laws() : random_(TestSeed()), function_(GetParam()) {}

  uint64_t Below(uint64_t bound) { return random_() % bound; }

  Datum RandomDatum() {
    static const std::string texts[] = {"", "a", "b", "ab", "zebra", "\xc3\xa9"};
    if (Below(8) == 0) return Datum::Null();
    switch (KindOf(function_->input)) {
      case Datum::Kind::kBool:
        return Datum::Bool(Below(2) == 0);
      case Datum::Kind::kInt:
        return Datum::Int(static_cast<int64_t>(Below(2'000)) - 1'000);
      case Datum::Kind::kDouble:
        // Sixteenths: their sums need no rounding, so that even slots of sums must be equal.
        return Datum::Double((static_cast<double>(Below(2'000)) - 1'000) / 16);
      default:
        return Datum::String(texts[Below(6)]);
    }
  }

  Datum RandomBy() {
    return Below(6) == 0 ? Datum::Null() : Datum::Double(static_cast<double>(Below(5)) / 2);
  }

  std::vector<Observation> RandomObservations() {
    std::vector<Observation> observations;
    const size_t count = Below(12);
    for (size_t i = 0; i < count; ++i)
      observations.push_back(
          {RandomDatum(),
           {static_cast<int64_t>(Below(4)), static_cast<int32_t>(Below(2)), next_offset_++},
           RandomBy()});
    return observations;
  }

  std::mt19937_64 random_;
  const SharedAggregate function_;
  int64_t next_offset_ = 0;
};

TEST_P(Laws, AnyOrderAndAnySplitGiveTheSameSlot) {
  std::cout << "FRESHET_TEST_SEED=" << TestSeed() << "\n";
  for (int round = 0; round < 300; ++round) {
    std::vector<Observation> observations = RandomObservations();
    const Slot whole(function_, observations);
    ASSERT_TRUE(whole.IsValid());
    std::shuffle(observations.begin(), observations.end(), random_);
    ASSERT_EQ(Slot(function_, observations).bytes(), whole.bytes());

    std::vector<Slot> parts(1 + Below(4), Slot(function_));
    for (const Observation& observation : observations)
      parts[Below(parts.size())].Update(observation);
    while (parts.size() > 1) {
      std::swap(parts[Below(parts.size())], parts.back());
      const Slot last = parts.back();
      parts.pop_back();
      parts[Below(parts.size())].Merge(last);
    }
    ASSERT_EQ(parts[0].bytes(), whole.bytes());
  }
}

TEST_P(Laws, MergeIsAssociativeAndCommutativeAndEmptyIsNeutral) {
  for (int round = 0; round < 300; ++round) {
    const Slot a(function_, RandomObservations());
    const Slot b(function_, RandomObservations());
    const Slot c(function_, RandomObservations());
    Slot left = a;
    left.Merge(b);
    Slot swapped = b;
    swapped.Merge(a);
    ASSERT_EQ(left.bytes(), swapped.bytes());
    left.Merge(c);
    Slot tail = b;
    tail.Merge(c);
    Slot right = a;
    right.Merge(tail);
    ASSERT_EQ(left.bytes(), right.bytes());
    Slot with_empty = a;
    with_empty.Merge(Slot(function_));
    ASSERT_EQ(with_empty.bytes(), a.bytes());
    Slot from_empty(function_);
    from_empty.Merge(a);
    ASSERT_EQ(from_empty.bytes(), a.bytes());
  }
}

TEST_P(Laws, OnlyWhatAgesHangsOnTheMomentOfTheRead) {
  int aged = 0;
  for (int round = 0; round < 300; ++round) {
    const Slot slot(function_, RandomObservations());
    const int64_t now_ms = static_cast<int64_t>(10 + Below(100));
    const bool is_same = slot.Answer(now_ms) == slot.Answer(now_ms + 1);
    ASSERT_TRUE(is_same || function_->ages);
    if (!is_same) ++aged;
  }
  EXPECT_EQ(aged > 0, function_->ages);
}

TEST_P(Laws, UpdateIsTheMergeOfOneEvent) {
  for (int round = 0; round < 300; ++round) {
    Slot updated(function_, RandomObservations());
    Slot merged = updated;
    const Observation one = {RandomDatum(), {1, 0, next_offset_++}, RandomBy()};
    updated.Update(one);
    merged.Merge(Slot(function_, {one}));
    ASSERT_EQ(updated.bytes(), merged.bytes());
  }
}

TEST_P(Laws, ReadingRunsIsMergingEachSlot) {
  ASSERT_EQ(function_->read_runs == nullptr, function_->size_bytes == 0);
  for (int round = 0; round < 300 && function_->read_runs != nullptr; ++round) {
    const size_t stride_bytes = function_->size_bytes + Below(20);
    std::vector<SlotRun> runs(1 + Below(5));
    std::vector<std::string> merged;
    std::string slots;
    Slot one_by_one(function_);
    for (size_t i = 0; i < runs.size(); ++i) {
      const Reading reading = {1'000 + static_cast<int64_t>(Below(100)), 60'000, nullptr};
      runs[i] = {slots.size(), Below(9), i == 0 || Below(3) == 0, reading};
      if (runs[i].starts_anew) one_by_one = Slot(function_);
      for (size_t j = 0; j < runs[i].count; ++j) {
        const Slot slot(function_, RandomObservations());
        slots += slot.bytes();
        slots.resize(slots.size() + stride_bytes - function_->size_bytes, 'x');
        one_by_one.Merge(slot);
      }
      merged.push_back(one_by_one.bytes());
    }
    std::vector<RunValue> values(runs.size());
    function_->read_runs(slots.data(), stride_bytes, runs, function_->parameters, values.data());
    for (size_t i = 0; i < runs.size(); ++i) {
      Datum expected;
      const Outcome outcome =
          function_->finalize(merged[i], runs[i].reading, function_->parameters, &expected);
      ASSERT_EQ(values[i].outcome, outcome);
      if (outcome != Outcome::kValue) continue;
      ASSERT_EQ(values[i].value, expected);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Aggregates, Laws, ::testing::ValuesIn(AllAggregates()),
                         [](const auto& info) {
                           const Aggregate& function = *info.param;
                           std::string type = "events";
                           if (function.takes_input) type = TypeName(function.input);
                           // Names have no parentheses.
                           if (function.input == Type::kDecimal) type = "decimal";
                           return std::string(function.name) + "_" + type;
                         });

// Sums of decimals are rounded in the last bits of a slot; the value that comes out must not be.
TEST(SumOfDoubles, FinalizedValueDoesNotHangOnTheOrder) {
  std::cout << "FRESHET_TEST_SEED=" << TestSeed() << "\n";
  std::mt19937_64 random(TestSeed());
  for (const std::string_view name : {"sum", "mean"}) {
    const SharedAggregate function = Find(name, Type::kDouble);
    for (int round = 0; round < 200; ++round) {
      std::vector<Observation> observations;
      for (int i = 0; i < 300; ++i)
        observations.push_back(
            {Datum::Double((static_cast<double>(random() % 2'000'000) - 1e6) / 100 *
                           std::pow(10, static_cast<double>(random() % 12))),
             {}});
      const std::string answer = Slot(function, observations).Answer();
      std::shuffle(observations.begin(), observations.end(), random);
      Slot merged(function);
      for (size_t i = 0; i < observations.size(); i += 30)
        merged.Merge(Slot(function, {observations.begin() + static_cast<ptrdiff_t>(i),
                                     observations.begin() + static_cast<ptrdiff_t>(i) + 30}));
      ASSERT_EQ(merged.Answer(), answer);
    }
  }
}

}  // namespace
}  // namespace freshet::aggregate
