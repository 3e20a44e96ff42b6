#include "store/retention_sweeper.h"

#include <algorithm>
#include <chrono>

#include "base/limits.h"
#include "base/log.h"
#include "store/key_layout.h"
#include "store/row_retention.h"

namespace freshet::store {
namespace {

constexpr auto kLookInterval = std::chrono::minutes(1);

std::chrono::milliseconds SweepInterval(int64_t retention_ms) {
  return std::chrono::milliseconds(std::clamp(retention_ms / limits::kRetentionSweeps,
                                              limits::kRetentionSweepMsMin,
                                              limits::kRetentionSweepMsMax));
}

}  // namespace

RetentionSweeper::RetentionSweeper(Database& database, std::function<void()> each_minute)
    : database_(database), each_minute_(std::move(each_minute)), thread_([this] { Run(); }) {}

RetentionSweeper::~RetentionSweeper() {
  {
    std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Status RetentionSweeper::SweepNow() {
  for (const auto& [table, retention_ms] : Retentions()) FRESHET_RETURN_IF_ERROR(Sweep(table));
  return Status::Ok();
}

void RetentionSweeper::Run() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (changed_.wait_for(lock, kLookInterval, [this] { return is_ending_.load(); })) return;
    }
    each_minute_();
    SweepWhatIsDue();
  }
}

void RetentionSweeper::SweepWhatIsDue() {
  const std::map<Table, int64_t> tables = Retentions();
  std::erase_if(due_at_, [&](const auto& due) { return !tables.contains(due.first); });
  const Time now = std::chrono::steady_clock::now();
  for (const auto& [table, retention_ms] : tables) {
    const auto [due, is_new] = due_at_.try_emplace(table, now);
    const bool is_due = !is_new && now >= due->second;
    if (is_new || is_due) due->second = now + SweepInterval(retention_ms);
    // What was there at the start was perhaps not swept for long.
    if (is_new && !has_looked_)
      due->second = now + std::chrono::milliseconds(limits::kRetentionSweepMsMin);
    if (!is_due) continue;
    const Status status = Sweep(table);
    if (!status.ok() && !is_ending_)
      LogWarning("rows past their retention are still there, and are tried again: {}",
                 status.message());
  }
  has_looked_ = true;
}

std::map<RetentionSweeper::Table, int64_t> RetentionSweeper::Retentions() const {
  std::map<Table, int64_t> all;
  for (const TableKind kind : {TableKind::kTimelines, TableKind::kRows}) {
    for (const auto& [table, retention_ms] : database_.retention(kind).tables())
      all[{kind, table}] = retention_ms;
  }
  return all;
}

Status RetentionSweeper::Sweep(const Table& table) {
  const auto [kind, id] = table;
  const KeyRange range = TableRange(id);
  return database_.RewriteFiles(database_.family(kind), range.begin, range.end, &is_ending_);
}

}  // namespace freshet::store
