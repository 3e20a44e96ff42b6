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

}  // namespace

RetentionSweeper::RetentionSweeper(Database& database)
    : database_(database), thread_([this] { Run(); }) {}

RetentionSweeper::~RetentionSweeper() {
  {
    std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Status RetentionSweeper::SweepNow() {
  for (const auto& [table, retention_ms] : database_.retention().tables())
    FRESHET_RETURN_IF_ERROR(Sweep(table));
  return Status::Ok();
}

void RetentionSweeper::Run() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (changed_.wait_for(lock, kLookInterval, [this] { return is_ending_.load(); })) return;
    }
    const RowRetention::Retentions tables = database_.retention().tables();
    std::erase_if(swept_at_, [&](const auto& swept) { return !tables.contains(swept.first); });
    const Time now = std::chrono::steady_clock::now();
    for (const auto& [table, retention_ms] : tables) {
      const auto [swept, is_new] = swept_at_.try_emplace(table, now);
      if (is_new || now < DueAt(swept->second, retention_ms)) continue;
      swept->second = now;
      const Status status = Sweep(table);
      if (!status.ok() && !is_ending_)
        LogWarning("rows past their retention are still there, and are tried again: {}",
                   status.message());
    }
  }
}

RetentionSweeper::Time RetentionSweeper::DueAt(Time since, int64_t retention_ms) {
  return since + std::chrono::milliseconds(std::clamp(retention_ms / limits::kRetentionSweeps,
                                                      limits::kRetentionSweepMsMin,
                                                      limits::kRetentionSweepMsMax));
}

Status RetentionSweeper::Sweep(TableId table) {
  const KeyRange range = TableRange(table);
  return database_.RewriteFiles(database_.rows(), range.begin, range.end, &is_ending_);
}

}  // namespace freshet::store
