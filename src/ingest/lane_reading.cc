// The part of a lane that meets the log: opening readers, batches, refusals.
#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "ingest/lane.h"
#include "ingest/timeouts.h"

namespace freshet::ingest {
namespace {

constexpr int64_t kPollWaitMs = 50;
constexpr int64_t kRefusalLogIntervalMs = 10'000;
// A log that goes on failing says so more often than this, even when nothing comes from it.
constexpr std::chrono::seconds kLogTroublePasses(2);

}  // namespace

// Where every table of the lane has been filled up to at least. A partition that some table has not begun is left out, and so
// starts at its beginning.
Offsets Lane::FirstOffsets() const {
  Offsets first = fills_.begin()->second;
  for (const auto& [table, positions] : fills_) {
    for (auto it = first.begin(); it != first.end();) {
      const auto position = positions.find(it->first);
      if (position == positions.end()) {
        it = first.erase(it);
      } else {
        it->second = std::min(it->second, position->second);
        ++it;
      }
    }
  }
  return first;
}

bool Lane::EnsureReader() {
  if (reader_started_) return true;
  if (reader_ == nullptr) {
    auto made = NewLogReader(*source_, surroundings_.options.kafka, surroundings_.store);
    if (!made.ok()) {
      state_.Fail(made.status());
      return false;
    }
    reader_ = std::move(*made);
  }
  Status started = reader_->Partitions().status();
  if (started.ok()) started = reader_->Start(resume_);
  if (!started.ok()) {
    ReportLogTrouble(started);
    if (started.code() == StatusCode::kResourceExhausted) state_.Fail(started);
    return false;
  }
  reader_started_ = true;
  EndLogTrouble();
  PublishPositions();
  prober_->SetReader(reader_);
  return true;
}

// Lets the reader go so that the next round opens another where it stood. False while its dead letters are under way.
bool Lane::ReleaseReader() {
  const Status delivered = reader_->FlushDeadLetters(kDeliveryTimeoutMs);
  state_.Report(Part::kDeadLetters, delivered, surroundings_.clock.NowMs());
  if (!delivered.ok()) return false;
  for (const auto& [partition, next_offset] : reader_->positions()) {
    resume_[partition] = std::max(resume_[partition], next_offset);
  }
  prober_->SetReader(nullptr);
  batch_.clear();
  reader_.reset();
  reader_started_ = false;
  return true;
}

void Lane::PollBatch() {
  const Status polled = reader_->Poll(limits::kPollBatchRecordsMax, kPollWaitMs, batch_);
  if (polled.code() == StatusCode::kCorruption) {
    GoOnPastMissing(polled);
    return;
  }
  if (!polled.ok()) {
    ReportLogTrouble(polled);
    batch_.clear();
    Wait(kRetryMs);
    return;
  }
  if (log_trouble_at_ && std::chrono::steady_clock::now() - *log_trouble_at_ > kLogTroublePasses)
    EndLogTrouble();
  ApplyBatch();
  counters_->events.fetch_add(batch_.size(), std::memory_order_relaxed);
  PublishCounts();
  if (!torn_) PublishPositions();
}

void Lane::ReportLogTrouble(const Status& trouble) {
  log_trouble_at_ = std::chrono::steady_clock::now();
  state_.Report(Part::kLog, trouble, surroundings_.clock.NowMs());
}

void Lane::EndLogTrouble() {
  if (log_trouble_at_) state_.Report(Part::kLog, Status::Ok(), surroundings_.clock.NowMs());
  log_trouble_at_.reset();
}

// Records are applied in the order of the batch, each some rounds after it was decoded.
void Lane::ApplyBatch() {
  const size_t count = batch_.size();
  // That of the record that was decoded so many rounds ago, when there is one and an event came of it.
  const auto decoded = [&](size_t round, size_t rounds_ago) -> const Passage* {
    if (round < rounds_ago || round - rounds_ago >= count) return nullptr;
    const Passage& passage = PassageOf(round - rounds_ago);
    return passage.is_decoded ? &passage : nullptr;
  };
  constexpr size_t kRoundsBehind = kPassages - 1;
  for (size_t round = 0; round < count + kRoundsBehind; ++round) {
    if (round < count) Decode(batch_[round], PassageOf(round));
    if (const Passage* passage = decoded(round, 1)) applier_->PrefetchEntries(passage->foresight);
    if (const Passage* passage = decoded(round, 2)) applier_->PrefetchTimelines(passage->foresight);
    if (round < kRoundsBehind) continue;
    const size_t record = round - kRoundsBehind;
    ApplyRecord(batch_[record], PassageOf(record));
    if (torn_) return;
  }
}

void Lane::Decode(const Record& record, Passage& passage) {
  passage.is_decoded = false;
  passage.refusal = Refusal::kNone;
  // Nothing to decode: it is passed over, or it deletes.
  if (record.is_erased || (record.is_tombstone && has_rows_)) return;
  passage.refusal = passage.decoder->Decode(record.payload, &passage.event, &passage.detail);
  passage.is_decoded = passage.refusal == Refusal::kNone;
  if (passage.is_decoded) applier_->Foresee(passage.event, &passage.foresight);
}

void Lane::ApplyRecord(const Record& record, Passage& passage) {
  if (record.is_erased) return;
  if (passage.refusal != Refusal::kNone) {
    Refuse(record, passage.refusal, passage.detail, false);
    return;
  }
  Refusal refusal = Refusal::kNone;
  bool retried = false;
  const auto retry = [&](const Status& status) {
    retried = true;
    state_.Report(Part::kLane, status, surroundings_.clock.NowMs());
    if (status.code() == StatusCode::kCorruption) return false;
    WaitForStop(kRetryMs);
    return !stopping();
  };
  const Status applied = passage.is_decoded
                             ? applier_->Apply(record, passage.event, passage.foresight, retry,
                                               &refusal, &passage.detail)
                             : applier_->Delete(record, retry, &refusal, &passage.detail);
  if (!applied.ok()) {
    torn_ = true;
    state_.Fail(applied);
    return;
  }
  if (retried) state_.Report(Part::kLane, Status::Ok(), surroundings_.clock.NowMs());
  if (refusal != Refusal::kNone)
    Refuse(record, refusal, passage.detail, refusal != Refusal::kTooFarInFuture);
}

void Lane::Refuse(const Record& record, Refusal refusal, const std::string& detail, bool by_view) {
  const auto index = static_cast<size_t>(refusal);
  counters_->refused[index].fetch_add(1, std::memory_order_relaxed);
  if (refusal_limiters_[index] == nullptr) {
    refusal_limiters_[index] = std::make_unique<LogLimiter>(kRefusalLogIntervalMs);
  }
  uint64_t suppressed = 0;
  if (refusal_limiters_[index]->Admit(surroundings_.clock.NowMs(), &suppressed)) {
    LogWarning("source '{}': record {} of partition {} refused, {}: {} ({} such held back)",
               source_name_, record.offset, record.partition, RefusalName(refusal), detail,
               suppressed);
  }
  if (by_view || leads_) {
    dead_letters_.push_back({record, fmt::format("{}: {}", RefusalName(refusal), detail)});
  }
}

// True when none is left. Until then the batch that their payloads belong to must stay.
bool Lane::SendDeadLetters() {
  Status sent;
  auto letter = dead_letters_.begin();
  for (; letter != dead_letters_.end(); ++letter) {
    sent = reader_->SendDeadLetter(letter->record, letter->reason);
    if (!sent.ok()) break;
  }
  dead_letters_.erase(dead_letters_.begin(), letter);
  if (!sent.ok()) state_.Report(Part::kDeadLetters, sent, surroundings_.clock.NowMs());
  return dead_letters_.empty();
}

// The log no longer has what comes next. Goes on at what is kept when that is allowed, else fails the lane.
void Lane::GoOnPastMissing(const Status& missing) {
  if (!surroundings_.options.skip_missing_offsets) {
    state_.Fail(missing);
    return;
  }
  const Result<Offsets> begins = reader_->Begins(kAskTimeoutMs);
  if (!begins.ok()) {
    ReportLogTrouble(begins.status());
    Wait(kRetryMs);
    return;
  }
  Offsets lost;
  for (const auto& [partition, next_offset] : reader_->positions()) {
    const auto begin = begins->find(partition);
    if (begin != begins->end() && begin->second > next_offset) {
      lost[partition] = begin->second - next_offset;
    }
  }
  if (lost.empty()) {
    // The log ends before the position: it was made anew or cut, and to go on would be a guess.
    state_.Fail(missing);
    return;
  }
  if (!ReleaseReader()) return;
  for (const auto& [partition, count] : lost) {
    resume_[partition] += count;
    counters_->lost.fetch_add(static_cast<uint64_t>(count), std::memory_order_relaxed);
    LogWarning("source '{}': {} records of partition {} were deleted unread", source_name_, count,
               partition);
  }
}

void Lane::PublishCounts() {
  if (applier_ == nullptr) return;
  const ApplyCounts& counts = applier_->counts();
  const auto add = [](std::atomic<uint64_t>& counter, uint64_t now, uint64_t& before) {
    if (now != before) counter.fetch_add(now - before, std::memory_order_relaxed);
    before = now;
  };
  add(counters_->applied, counts.applied, published_.applied);
  add(counters_->too_old, counts.too_old, published_.too_old);
  add(counters_->truncated, counts.truncated, published_.truncated);
  add(counters_->repeated, counts.repeated, published_.repeated);
  add(counters_->filter_failures, counts.filter_failures, published_.filter_failures);
  add(counters_->delay_sum_ms, counts.delays.sum_ms, published_.delays.sum_ms);
  for (size_t i = 0; i < counts.delays.counts.size(); ++i)
    add(counters_->delays[i], counts.delays.counts[i], published_.delays.counts[i]);
}

void Lane::PublishPositions() {
  positions_ = reader_->positions();
  state_.SetPositions(positions_);
  state_.SetAsOf(probes_.Reached(positions_));
}

}  // namespace freshet::ingest
