#include "rpc/response_wire.h"

#include <cstddef>
#include <functional>
#include <utility>

#include "freshet/v1/feature_store.pb.h"

#include "base/check.h"
#include "rpc/wire.h"

namespace freshet::rpc {
namespace {

// The moment is `optional`: present as zero, absent while unknown.
size_t AsOfBytes(const SourceAsOf& as_of) {
  const bool known = as_of.as_of_ms != kNoEventTimeMs;
  return TextFieldBytes(as_of.source) +
         (known ? kTagBytes + VarintBytes(static_cast<uint64_t>(as_of.as_of_ms)) : 0);
}
uint8_t* WriteAsOf(const SourceAsOf& as_of, uint8_t* out) {
  out = WriteFieldHead(v1::GetFeaturesResponse::kAsOfFieldNumber, AsOfBytes(as_of), out);
  out = WriteTextField(v1::SourceAsOf::kSourceFieldNumber, as_of.source, out);
  if (as_of.as_of_ms == kNoEventTimeMs) return out;
  *out++ = VarintTag(v1::SourceAsOf::kAsOfMsFieldNumber);
  return WriteVarint(static_cast<uint64_t>(as_of.as_of_ms), out);
}

size_t PhasesBytes(const PhaseTimes& phases) {
  return VarintFieldBytes(static_cast<uint64_t>(phases.prepare_ns)) +
         VarintFieldBytes(static_cast<uint64_t>(phases.wait_ns)) +
         VarintFieldBytes(static_cast<uint64_t>(phases.lookup_ns)) +
         VarintFieldBytes(static_cast<uint64_t>(phases.derive_ns));
}
uint8_t* WritePhases(const PhaseTimes& phases, uint8_t* out) {
  using Fields = v1::PhaseTimes;
  out = WriteFieldHead(v1::GetFeaturesResponse::kPhasesFieldNumber, PhasesBytes(phases), out);
  out = WriteVarintField(Fields::kPrepareNsFieldNumber, static_cast<uint64_t>(phases.prepare_ns),
                         out);
  out = WriteVarintField(Fields::kWaitNsFieldNumber, static_cast<uint64_t>(phases.wait_ns), out);
  out =
      WriteVarintField(Fields::kLookupNsFieldNumber, static_cast<uint64_t>(phases.lookup_ns), out);
  return WriteVarintField(Fields::kDeriveNsFieldNumber, static_cast<uint64_t>(phases.derive_ns),
                          out);
}

}  // namespace

const OneRowTemplate* ResponseEncoder::TemplateOf(const FeatureBlock& answer) {
  if (answer.row_count != 1 || !answer.event_times_ms.empty()) return nullptr;
  const size_t place = std::hash<const void*>()(answer.shape.get()) / alignof(std::max_align_t);
  std::unique_ptr<OneRowTemplate>& made = templates_[place % templates_.size()];
  if (made != nullptr && made->shape() == answer.shape) return made.get();
  // Shapes that come by turns to one place would be made anew each time, which costs more than it saves.
  const void*& last_seen = last_seen_[place % templates_.size()];
  if (std::exchange(last_seen, answer.shape.get()) != answer.shape.get()) return nullptr;
  made = std::make_unique<OneRowTemplate>(answer.shape);
  return made.get();
}

size_t ResponseEncoder::Measure(const FeatureBlock& answer) {
  const auto feature_count = static_cast<uint32_t>(answer.feature_count());
  template_ = TemplateOf(answer);
  steps_.clear();
  size_t bytes = 0;
  for (uint32_t feature = 0; feature < feature_count; ++feature) {
    if (template_ != nullptr) feature = template_->MeasureRun(answer, feature, &bytes);
    Step& step = steps_.emplace_back(Step{feature, {}});
    if (feature == feature_count) break;
    step.column = MeasureColumn(ColumnOf(answer, feature));
    bytes += FieldBytes(step.column.total_bytes);
  }
  bytes += VarintFieldBytes(static_cast<uint64_t>(answer.read_time_ms));
  bytes += VarintFieldBytes(answer.row_count);
  for (const SourceAsOf& as_of : answer.as_of) bytes += FieldBytes(AsOfBytes(as_of));
  if (answer.phases.has_value()) bytes += FieldBytes(PhasesBytes(*answer.phases));
  return bytes;
}

uint8_t* ResponseEncoder::WriteFeatures(const FeatureBlock& answer, uint8_t* out) const {
  uint32_t feature = 0;
  for (const Step& step : steps_) {
    if (step.run_end > feature) out = template_->WriteRun(answer, feature, step.run_end, out);
    if (step.run_end == answer.feature_count()) break;
    out =
        WriteFieldHead(v1::GetFeaturesResponse::kFeaturesFieldNumber, step.column.total_bytes, out);
    out = WriteColumn(ColumnOf(answer, step.run_end), step.column, out);
    feature = step.run_end + 1;
  }
  return out;
}

void ResponseEncoder::Write(const FeatureBlock& answer, uint8_t* out) const {
  using Fields = v1::GetFeaturesResponse;
  FRESHET_CHECK(template_ == nullptr || template_->shape() == answer.shape);
  out = WriteFeatures(answer, out);
  out = WriteVarintField(Fields::kReadTimeMsFieldNumber, static_cast<uint64_t>(answer.read_time_ms),
                         out);
  out = WriteVarintField(Fields::kRowCountFieldNumber, answer.row_count, out);
  for (const SourceAsOf& as_of : answer.as_of) out = WriteAsOf(as_of, out);
  if (answer.phases.has_value()) WritePhases(*answer.phases, out);
}

}  // namespace freshet::rpc
