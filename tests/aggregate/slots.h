// Slots of both kinds behind one face, for tests.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "aggregate/aggregate.h"
#include "aggregate/packed_list.h"
#include "base/coding.h"

namespace freshet::aggregate {

using SharedAggregate = std::shared_ptr<const Aggregate>;

// What the tests give to aggregates that need it.
inline constexpr Parameters kParameters = {.half_life_ms = 10,
                                           .quantile = 0.9,
                                           .k = 3,
                                           .quantiles = {{0.5, 0.99}, 2},
                                           .edges = {{0, 10}, 2},
                                           .by_type = Type::kDouble};
// The read that answers are for.
inline constexpr Reading kReading = {.now_ms = 1'000, .window_ms = 500};

inline SharedAggregate Find(std::string_view name, Type type) {
  const Result<SharedAggregate> found = FindAggregate(name, &type, kParameters);
  EXPECT_TRUE(found.ok()) << found.status().ToString();
  return *found;
}

inline SharedAggregate FindWithoutInput(std::string_view name) {
  return *FindAggregate(name, nullptr, kParameters);
}

struct Observation {
  Datum value;
  EventOrder order;
  Datum by = {};
};

class Slot {
 public:
  explicit Slot(SharedAggregate function)
      : function_(std::move(function)), bytes_(function_->size_bytes, '\0') {
    if (IsFixed()) function_->init(bytes_.data());
  }
  Slot(const SharedAggregate& function, const std::vector<Observation>& observations)
      : Slot(function) {
    for (const Observation& observation : observations) Update(observation);
  }

  void Update(const Observation& observation) {
    if (IsFixed())
      function_->update(bytes_.data(), observation.value, observation.order, function_->parameters);
    else
      function_->update_variable(bytes_, observation.value, observation.by, observation.order,
                                 function_->parameters);
  }

  void Merge(const Slot& other) {
    if (IsFixed())
      function_->merge(bytes_.data(), other.bytes_.data());
    else
      function_->merge_variable(bytes_, other.bytes_, function_->parameters);
  }

  bool IsFixed() const { return function_->size_bytes != 0; }
  bool IsValid() const { return function_->is_valid(bytes_, function_->parameters); }
  const std::string& bytes() const { return bytes_; }

  Outcome Finalize(Datum* value, int64_t now_ms = kReading.now_ms) const {
    Reading reading = kReading;
    reading.now_ms = now_ms;
    reading.scratch = &scratch_;
    return function_->finalize(bytes_, reading, function_->parameters, value);
  }
  // "null", "overflow", or the value; a list as "[1, 2]".
  std::string Answer(int64_t now_ms = kReading.now_ms) const {
    Datum value;
    switch (Finalize(&value, now_ms)) {
      case Outcome::kValue:
        return function_->gives_list ? ListText(value.as_string()) : ToString(value);
      case Outcome::kNull:
        return "null";
      case Outcome::kOverflow:
        return "overflow";
      case Outcome::kTooMany:
        return "too many";
    }
    return "";
  }

 private:
  std::string ListText(std::string_view packed) const {
    std::string text;
    while (!packed.empty())
      text += (text.empty() ? "" : ", ") + ToString(TakePacked(function_->output, packed));
    return "[" + text + "]";
  }

  SharedAggregate function_;
  std::string bytes_;
  mutable std::string scratch_;
};

inline std::string Hex(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[static_cast<uint8_t>(c) >> 4];
    hex += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return hex;
}

}  // namespace freshet::aggregate
