// Slots of both kinds behind one face, for tests.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "aggregate/aggregate.h"

namespace freshet::aggregate {

inline const Aggregate& Find(std::string_view name, Type type) {
  const Result<const Aggregate*> found = FindAggregate(name, &type);
  EXPECT_TRUE(found.ok()) << found.status().ToString();
  return **found;
}

inline const Aggregate& FindWithoutInput(std::string_view name) {
  return **FindAggregate(name, nullptr);
}

struct Observation {
  Datum value;
  EventOrder order;
};

class Slot {
 public:
  explicit Slot(const Aggregate& function)
      : function_(&function), bytes_(function.size_bytes, '\0') {
    if (IsFixed()) function.init(bytes_.data());
  }
  Slot(const Aggregate& function, const std::vector<Observation>& observations) : Slot(function) {
    for (const Observation& observation : observations) Update(observation);
  }

  void Update(const Observation& observation) {
    if (IsFixed())
      function_->update(bytes_.data(), observation.value, observation.order);
    else
      function_->update_variable(bytes_, observation.value, observation.order);
  }

  void Merge(const Slot& other) {
    if (IsFixed())
      function_->merge(bytes_.data(), other.bytes_.data());
    else
      function_->merge_variable(bytes_, other.bytes_);
  }

  bool IsFixed() const { return function_->size_bytes != 0; }
  bool IsValid() const { return function_->is_valid(bytes_); }
  const std::string& bytes() const { return bytes_; }

  // "null", "overflow", or the value.
  std::string Answer() const {
    Datum value;
    switch (function_->finalize(bytes_, &value)) {
      case Outcome::kValue:
        return ToString(value);
      case Outcome::kNull:
        return "null";
      case Outcome::kOverflow:
        return "overflow";
    }
    return "";
  }

 private:
  const Aggregate* function_;
  std::string bytes_;
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
