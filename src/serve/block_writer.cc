#include "serve/block_writer.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "aggregate/packed_list.h"
#include "base/limits.h"

namespace freshet::serve {
void BlockWriter::Begin(uint32_t row_count, bool with_event_times, FeatureBlock* block) {
  const size_t value_count = size_t{row_count} * plan_.slots.size();
  if (block->shape != plan_.shape) block->shape = plan_.shape;
  block->row_count = row_count;
  block->words.resize(value_count);
  block->texts.clear();
  block->statuses.assign(value_count, FeatureStatus::kPresent);
  block->absent_counts.assign(plan_.slots.size(), 0);
  block->event_times_ms.assign(with_event_times ? value_count : 0, kNoEventTimeMs);
  block->failures.clear();
  block_ = block;
  words_ = block->words.data();
  statuses_ = block->statuses.data();
  absent_counts_ = block->absent_counts.data();
  event_times_ms_ = with_event_times ? block->event_times_ms.data() : nullptr;
  row_count_ = row_count;
  failures_.clear();
}

void BlockWriter::Finish() {
  block_->lists.resize(plan_.list_count);
  for (uint32_t slot = 0; plan_.list_count > 0 && slot < plan_.output_count; ++slot) {
    const FeatureShape::Feature& feature = plan_.shape->features[slot];
    if (!feature.is_list) continue;
    FeatureBlock::List& list = block_->lists[feature.list];
    list.lengths.clear();
    list.words.clear();
    for (uint32_t row = 0; row < row_count_; ++row) UnpackList(slot, row, &list);
  }
  for (uint32_t slot = 0; !failures_.empty() && slot < plan_.output_count; ++slot) {
    std::vector<FeatureFailure>& failures = failures_[slot];
    std::sort(failures.begin(), failures.end(),
              [](const FeatureFailure& a, const FeatureFailure& b) { return a.row < b.row; });
    for (FeatureFailure& failure : failures)
      block_->failures.push_back({slot, failure.row, std::move(failure.reason)});
  }
}

void BlockWriter::PutText(uint32_t slot, uint32_t row, std::string_view text) {
  words_[At(slot, row)] = block_->AddText(text);
}

void BlockWriter::PutDefault(uint32_t slot, uint32_t row, FeatureStatus status) {
  PutValue(slot, row, slots_[slot].default_value);
  SetStatus(slot, row, status);
}

uint64_t BlockWriter::WordOf(const Datum& value) {
  return value.kind() == Datum::Kind::kString ? block_->AddText(value.as_string())
                                              : WordOfNumber(value);
}

void BlockWriter::UnpackList(uint32_t slot, uint32_t row, FeatureBlock::List* list) {
  const Type type = slots_[slot].feature->type;
  // Strings go where the list itself stands, which moves then.
  list_.assign(ValueAt(slot, row).as_string());
  uint32_t length = 0;
  for (std::string_view rest = list_; !rest.empty(); ++length)
    list->words.push_back(WordOf(aggregate::TakePacked(type, rest)));
  list->lengths.push_back(length);
}

void BlockWriter::PutZero(uint32_t slot, uint32_t row, FeatureStatus status) {
  PutValue(slot, row,
           slots_[slot].kind == Datum::Kind::kString ? Datum::String({})
                                                     : ZeroOf(slots_[slot].feature->type));
  SetStatus(slot, row, status);
}

void BlockWriter::PutFailure(uint32_t slot, uint32_t row, std::string reason) {
  PutDefault(slot, row, FeatureStatus::kFailed);
  KeepReason(slot, row, std::move(reason));
}

void BlockWriter::KeepReason(uint32_t slot, uint32_t row, std::string reason) {
  if (failures_.empty()) failures_.resize(plan_.slots.size());
  std::vector<FeatureFailure>& failures = failures_[slot];
  if (failures.size() < limits::kFailureReasonsMax) failures.push_back({row, std::move(reason)});
}

void BlockWriter::RepeatFirstRow(uint32_t slot, const KeyRun& run) {
  const size_t first = At(slot, run.first_row);
  const FeatureStatus status = statuses_[first];
  const std::string* first_reason =
      status == FeatureStatus::kFailed ? ReasonAt(slot, run.first_row) : nullptr;
  const std::string reason = first_reason == nullptr ? std::string() : *first_reason;
  for (uint32_t row = run.first_row + 1; row < run.first_row + run.row_count; ++row) {
    words_[At(slot, row)] = words_[first];
    PutEventTime(slot, row, EventTimeMsAt(slot, run.first_row));
    if (status == FeatureStatus::kPresent) continue;
    SetStatus(slot, row, status);
    if (first_reason != nullptr) KeepReason(slot, row, reason);
  }
}

void BlockWriter::Renew(uint32_t slot) {
  std::fill_n(statuses_ + At(slot, 0), row_count_, FeatureStatus::kPresent);
  if (event_times_ms_ != nullptr)
    std::fill_n(event_times_ms_ + At(slot, 0), row_count_, kNoEventTimeMs);
  absent_counts_[slot] = 0;
  if (!failures_.empty()) failures_[slot].clear();
}

Datum BlockWriter::ValueAt(uint32_t slot, uint32_t row) const {
  const uint64_t word = words_[At(slot, row)];
  switch (slots_[slot].kind) {
    case Datum::Kind::kBool:
      return Datum::Bool(word != 0);
    case Datum::Kind::kDouble:
      return Datum::Double(std::bit_cast<double>(word));
    case Datum::Kind::kString:
      return Datum::String(block_->TextOf(word));
    default:
      return Datum::Int(static_cast<int64_t>(word));
  }
}

const std::string* BlockWriter::ReasonAt(uint32_t slot, uint32_t row) const {
  if (failures_.empty()) return nullptr;
  const std::vector<FeatureFailure>& failures = failures_[slot];
  const auto found =
      std::find_if(failures.begin(), failures.end(),
                   [&](const FeatureFailure& failure) { return failure.row == row; });
  return found == failures.end() ? nullptr : &found->reason;
}

}  // namespace freshet::serve
