#include "store/row_sorter.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/check.h"
#include "base/coding.h"
#include "base/limits.h"
#include "store/row.h"

namespace freshet::store {
namespace {

constexpr size_t kBlockBytes = 1u << 20;
// So that a small budget is not all taken by its first block.
constexpr size_t kBlocksPerBudget = 16;
constexpr size_t kRecordsMin = 16;

uint64_t KeyPrefix(std::string_view key) {
  char bytes[sizeof(uint64_t)] = {};
  std::copy_n(key.data(), std::min(key.size(), sizeof(bytes)), bytes);
  return LoadBigEndian64(bytes);
}

// An object, because the writers keep a reference to it.
constexpr auto kNoProgress = [](uint64_t) {};

}  // namespace

RowSorter::RowSorter(const Database& database, std::string folder, TableId table,
                     size_t memory_bytes)
    : database_(database), folder_(std::move(folder)), table_(table), memory_bytes_(memory_bytes) {}

bool RowSorter::SortsBefore(const Record& a, const Record& b) {
  if (a.key_prefix != b.key_prefix) return a.key_prefix < b.key_prefix;
  if (int order = a.key().compare(b.key()); order != 0) return order < 0;
  int64_t a_time_ms = RowLayout::EventTimeMs(a.row());
  int64_t b_time_ms = RowLayout::EventTimeMs(b.row());
  if (a_time_ms != b_time_ms) return a_time_ms > b_time_ms;
  return a.sequence > b.sequence;
}

Status RowSorter::Add(std::string_view entity_key, std::string_view row) {
  const size_t size = entity_key.size() + row.size();
  if (!records_.empty() && held_bytes() + BytesFor(size) > memory_bytes_)
    FRESHET_RETURN_IF_ERROR(SpillRun());
  if (records_.size() == records_.capacity()) records_.reserve(NextCapacity());
  char* bytes = Allocate(size);
  entity_key.copy(bytes, entity_key.size());
  row.copy(bytes + entity_key.size(), row.size());
  records_.push_back({KeyPrefix(entity_key), bytes, static_cast<uint32_t>(entity_key.size()),
                      static_cast<uint32_t>(row.size()), added_++});
  return Status::Ok();
}

size_t RowSorter::held_bytes() const {
  return blocks_bytes_ + records_.capacity() * sizeof(Record);
}

size_t RowSorter::BytesFor(size_t size) const {
  size_t bytes = size > block_left_ ? BlockBytesFor(size) : 0;
  // The records stand twice while they move.
  if (records_.size() == records_.capacity()) bytes += NextCapacity() * sizeof(Record);
  return bytes;
}

size_t RowSorter::BlockBytesFor(size_t size) const {
  return std::max(size, std::min(kBlockBytes, memory_bytes_ / kBlocksPerBudget));
}

size_t RowSorter::NextCapacity() const {
  return std::max(kRecordsMin, records_.capacity() + records_.capacity() / 2);
}

Status RowSorter::Finish(Sink sink) {
  const auto counted = [&](std::string_view entity_key, std::string_view row) {
    ++sorted_;
    return sink(entity_key, row);
  };
  if (runs_.empty()) return TakeRecords(counted);
  if (!records_.empty()) FRESHET_RETURN_IF_ERROR(SpillRun());
  FRESHET_RETURN_IF_ERROR(ReduceRuns());
  FRESHET_RETURN_IF_ERROR(MergeRuns(runs_, counted));
  runs_.clear();
  return Status::Ok();
}

char* RowSorter::Allocate(size_t size) {
  if (size > block_left_) {
    const size_t block_bytes = BlockBytesFor(size);
    blocks_.push_back(std::unique_ptr<char[]>(new char[block_bytes]));
    blocks_bytes_ += block_bytes;
    block_next_ = blocks_.back().get();
    block_left_ = block_bytes;
  }
  char* bytes = block_next_;
  block_next_ += size;
  block_left_ -= size;
  return bytes;
}

Status RowSorter::TakeRecords(Sink sink) {
  // Files often come sorted.
  if (!std::is_sorted(records_.begin(), records_.end(), SortsBefore))
    std::sort(records_.begin(), records_.end(), SortsBefore);
  const Record* kept = nullptr;
  for (const Record& record : records_) {
    // The first of equal keys is the one to keep.
    if (kept != nullptr && kept->key() == record.key()) continue;
    kept = &record;
    FRESHET_RETURN_IF_ERROR(sink(record.key(), record.row()));
  }
  // Rows of another size may come, which share the budget otherwise.
  records_ = {};
  blocks_.clear();
  blocks_bytes_ = 0;
  block_left_ = 0;
  return Status::Ok();
}

Status RowSorter::SpillRun() {
  return WriteRun([this](Sink sink) { return TakeRecords(sink); }, &runs_);
}

Status RowSorter::ReduceRuns() {
  while (runs_.size() > limits::kMergeRunsMax) {
    std::vector<std::string> merged;
    for (size_t begin = 0; begin < runs_.size(); begin += limits::kMergeRunsMax) {
      const size_t count = std::min(limits::kMergeRunsMax, runs_.size() - begin);
      const auto some = std::span<const std::string>(runs_).subspan(begin, count);
      FRESHET_RETURN_IF_ERROR(WriteRun([&](Sink sink) { return MergeRuns(some, sink); }, &merged));
    }
    runs_ = std::move(merged);
  }
  return Status::Ok();
}

Status RowSorter::WriteRun(FunctionRef<Status(Sink sink)> rows, std::vector<std::string>* runs) {
  RowFileWriter writer(
      database_.run_file_options(), table_, UINT64_MAX,
      [this] { return fmt::format("{}/run-{:06}.sst", folder_, next_run_++); }, kNoProgress);
  FRESHET_RETURN_IF_ERROR(rows([&](std::string_view entity_key, std::string_view row) {
    return writer.Add(entity_key, row);
  }));
  FRESHET_RETURN_IF_ERROR(writer.Finish());
  runs->insert(runs->end(), writer.files().begin(), writer.files().end());
  return Status::Ok();
}

Status RowSorter::MergeRuns(std::span<const std::string> runs, Sink sink) {
  RunMerger merger;
  for (const std::string& run : runs)
    FRESHET_RETURN_IF_ERROR(merger.AddRun(database_.run_file_options(), run));
  std::string kept_key;
  bool kept = false;
  while (merger.valid()) {
    std::string_view key = EntityKeyOf(merger.state_key());
    if (!kept || kept_key != key) {
      kept = true;
      kept_key = key;
      FRESHET_RETURN_IF_ERROR(sink(key, merger.row()));
    }
    FRESHET_RETURN_IF_ERROR(merger.Next());
  }
  merger.Close();
  for (const std::string& run : runs) {
    std::error_code error;
    if (!std::filesystem::remove(run, error))
      return Status::IoError(fmt::format("cannot remove {}: {}", run, error.message()));
  }
  return Status::Ok();
}

}  // namespace freshet::store
