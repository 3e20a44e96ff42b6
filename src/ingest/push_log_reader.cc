#include "ingest/push_log_reader.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "base/limits.h"

namespace freshet::ingest {
namespace {

constexpr int32_t kPartition = 0;
constexpr size_t kFirstBatchRecords = 64;

class PushLogReader : public LogReader {
 public:
  PushLogReader(const registry::Source& source, store::Store& store)
      : name_(source.name), id_(source.id), store_(store) {}

  Result<std::vector<int32_t>> Partitions() override { return std::vector<int32_t>{kPartition}; }
  bool partitions_changed() override { return false; }

  Status Start(const Offsets& offsets) override {
    if (auto found = offsets.find(kPartition); found != offsets.end()) {
      next_offset_ = found->second;
      return Status::Ok();
    }
    FRESHET_ASSIGN_OR_RETURN(next_offset_, store_.LogBegin(id_));
    return Status::Ok();
  }

  Status Poll(size_t records_max, int64_t timeout_ms, std::vector<Record>& records) override {
    records.clear();
    FRESHET_RETURN_IF_ERROR(CheckKept());
    if (!store_.WaitLog(id_, next_offset_, timeout_ms)) return Status::Ok();
    return Read(std::min(records_max, batch_records_), records);
  }

  Offsets positions() const override { return {{kPartition, next_offset_}}; }
  Result<Offsets> Ends(int64_t) override { return Offsets{{kPartition, store_.LogEnd(id_)}}; }
  Result<Offsets> Begins(int64_t) override {
    FRESHET_ASSIGN_OR_RETURN(const int64_t begin, store_.LogBegin(id_));
    return Offsets{{kPartition, begin}};
  }

  void Commit(const Offsets&) override {}
  Status SendDeadLetter(const Record&, std::string_view) override { return Status::Ok(); }
  Status FlushDeadLetters(int64_t) override { return Status::Ok(); }

 private:
  Status CheckKept() {
    FRESHET_ASSIGN_OR_RETURN(const int64_t begin, store_.LogBegin(id_));
    const int64_t end = store_.LogEnd(id_);
    if (next_offset_ >= begin && next_offset_ <= end) return Status::Ok();
    return Status::Corruption(
        fmt::format("source '{}' stands at offset {}, and its event log holds {} to {}", name_,
                    next_offset_, begin, end));
  }

  Status Read(size_t records_max, std::vector<Record>& records) {
    payloads_.clear();
    payload_ends_.clear();
    FRESHET_RETURN_IF_ERROR(
        store_.ReadLog(id_, next_offset_, records_max, [&](const store::LogRecord& record) {
          Record& read = records.emplace_back();
          read.partition = kPartition;
          read.offset = record.offset;
          read.timestamp_ms = record.timestamp_ms;
          read.is_erased = record.is_erased;
          payloads_.append(record.payload);
          payload_ends_.push_back(payloads_.size());
        }));
    size_t from = 0;
    for (size_t i = 0; i < records.size(); ++i) {
      records[i].payload = std::string_view(payloads_).substr(from, payload_ends_[i] - from);
      from = payload_ends_[i];
    }
    if (records.empty()) return Status::Ok();
    next_offset_ = records.back().offset + 1;
    // The log answers in records; the next batch is cut to the size that these had.
    const size_t record_bytes = std::max<size_t>(1, payloads_.size() / records.size());
    batch_records_ = std::max<size_t>(1, limits::kPushBatchBytes / record_bytes);
    return Status::Ok();
  }

  const std::string name_;
  const uint32_t id_;
  store::Store& store_;
  int64_t next_offset_ = 0;
  size_t batch_records_ = kFirstBatchRecords;
  std::string payloads_;
  std::vector<size_t> payload_ends_;
};

}  // namespace

std::unique_ptr<LogReader> NewPushLogReader(const registry::Source& source, store::Store& store) {
  return std::make_unique<PushLogReader>(source, store);
}

}  // namespace freshet::ingest
