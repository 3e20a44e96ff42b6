// Puts the values of one answer into their block, each under a status.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "freshet/feature_block.h"

#include "base/check.h"
#include "base/datum.h"
#include "serve/plan.h"

namespace freshet::serve {

// Neighbouring rows that ask for the same entity: it is looked up once for all of them.
struct KeyRun {
  uint32_t first_row = 0;
  uint32_t row_count = 0;
  size_t key_begin = 0;
  size_t key_end = 0;
};

// Between Begin and Finish every row of every slot is put once, and read only after that. One thread.
class BlockWriter {
 public:
  // The plan must outlive it.
  explicit BlockWriter(const Plan& plan) : plan_(plan), slots_(plan.slots.data()) {}

  // Begins an answer of `row_count` rows, all PRESENT, in *block, whose buffers are reused.
  void Begin(uint32_t row_count, bool with_event_times, FeatureBlock* block);
  // Unpacks lists, brings failures into order and drops those of hidden slots.
  void Finish();

  uint32_t row_count() const { return row_count_; }
  const Slot& slot(uint32_t slot) const { return slots_[slot]; }

  // `value` is not null and of the slot's kind.
  void PutValue(uint32_t slot, uint32_t row, const Datum& value) {
    FRESHET_CHECK(value.kind() == slots_[slot].kind);
    if (value.kind() == Datum::Kind::kString) return PutText(slot, row, value.as_string());
    PutWord(slot, row, WordOfNumber(value));
  }
  // The same of a string, and of any other value its word; all words of a slot stand row after row.
  void PutText(uint32_t slot, uint32_t row, std::string_view text);
  void PutWord(uint32_t slot, uint32_t row, uint64_t word) { words_[At(slot, row)] = word; }
  uint64_t* WordsOf(uint32_t slot) { return words_ + At(slot, 0); }
  static uint64_t WordOfNumber(const Datum& value) {
    return value.kind() == Datum::Kind::kDouble ? std::bit_cast<uint64_t>(value.as_double())
                                                : static_cast<uint64_t>(value.as_int());
  }
  // The default, under a status that is not kPresent.
  void PutDefault(uint32_t slot, uint32_t row, FeatureStatus status);
  // The type's zero, whatever the default.
  void PutZero(uint32_t slot, uint32_t row, FeatureStatus status);
  void PutFailure(uint32_t slot, uint32_t row, std::string reason);
  void PutEventTime(uint32_t slot, uint32_t row, int64_t event_time_ms) {
    if (event_times_ms_ != nullptr) event_times_ms_[At(slot, row)] = event_time_ms;
  }
  bool has_event_times() const { return event_times_ms_ != nullptr; }
  // Puts what the first row of a run was given into its other rows.
  void RepeatFirstRow(uint32_t slot, const KeyRun& run);
  // Leaves the value as it is.
  void SetStatus(uint32_t slot, uint32_t row, FeatureStatus status) {
    FeatureStatus& current = statuses_[At(slot, row)];
    if (current == FeatureStatus::kPresent) ++absent_counts_[slot];
    current = status;
  }
  // Forgets what was put into a slot: it is to be put anew.
  void Renew(uint32_t slot);

  // A list is a string here, of its packed elements. Borrows from the block until the next Put.
  Datum ValueAt(uint32_t slot, uint32_t row) const;
  uint64_t WordAt(uint32_t slot, uint32_t row) const { return words_[At(slot, row)]; }
  FeatureStatus StatusAt(uint32_t slot, uint32_t row) const { return statuses_[At(slot, row)]; }
  // kNoEventTimeMs when they are not asked for.
  int64_t EventTimeMsAt(uint32_t slot, uint32_t row) const {
    return event_times_ms_ == nullptr ? kNoEventTimeMs : event_times_ms_[At(slot, row)];
  }
  // Why a row of kFailed failed; null when its reason was left out.
  const std::string* ReasonAt(uint32_t slot, uint32_t row) const;

 private:
  size_t At(uint32_t slot, uint32_t row) const { return size_t{slot} * row_count_ + row; }
  uint64_t WordOf(const Datum& value);
  void UnpackList(uint32_t slot, uint32_t row, FeatureBlock::List* list);
  void KeepReason(uint32_t slot, uint32_t row, std::string reason);

  const Plan& plan_;
  const Slot* slots_;
  FeatureBlock* block_ = nullptr;
  // Into the block from Begin to Finish.
  uint64_t* words_ = nullptr;
  FeatureStatus* statuses_ = nullptr;
  uint32_t* absent_counts_ = nullptr;
  int64_t* event_times_ms_ = nullptr;  // null when nobody asks
  uint32_t row_count_ = 0;
  std::string list_;                                   // the one that is being unpacked
  std::vector<std::vector<FeatureFailure>> failures_;  // per slot; empty until something failed
};

}  // namespace freshet::serve
