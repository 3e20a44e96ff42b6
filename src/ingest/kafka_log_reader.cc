#include "ingest/kafka_log_reader.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>

#include <fmt/format.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "ingest/kafka_client.h"
#include "ingest/kafka_dead_letters.h"

namespace freshet::ingest {
namespace {

constexpr int kMetadataTimeoutMs = 2'000;
constexpr int kLastCommitTimeoutMs = 500;
constexpr std::chrono::seconds kPartitionsCheckInterval(10);
constexpr int64_t kUnknown = -1;

class KafkaLogReader : public LogReader {
 public:
  KafkaLogReader(std::string source_name, const registry::KafkaLog& log,
                 const KafkaOptions& options, KafkaClient consumer)
      : source_name_(std::move(source_name)),
        topic_(log.topic),
        brokers_(options.brokers),
        consumer_(std::move(consumer)),
        topic_handle_(rd_kafka_topic_new(consumer_.get(), topic_.c_str(), nullptr)),
        consumer_queue_(rd_kafka_queue_get_consumer(consumer_.get())),
        commit_queue_(rd_kafka_queue_new(consumer_.get())),
        next_partitions_check_(std::chrono::steady_clock::now() + kPartitionsCheckInterval) {
    if (!log.dead_letter_topic.empty()) {
      dead_letters_ =
          std::make_unique<KafkaDeadLetters>(source_name_, log.dead_letter_topic, options);
    }
  }

  ~KafkaLogReader() override {
    ReleaseMessages();
    if (commits_pending_ > 0) {
      KafkaEvent(rd_kafka_queue_poll(commit_queue_.get(), kLastCommitTimeoutMs));
    }
  }

  Result<std::vector<int32_t>> Partitions() override;
  bool partitions_changed() override;
  Status Start(const Offsets& offsets) override;
  Status Poll(size_t records_max, int64_t timeout_ms, std::vector<Record>& records) override;
  Offsets positions() const override;
  Result<Offsets> Ends(int64_t timeout_ms) override {
    return ListOffsets(RD_KAFKA_OFFSET_END, timeout_ms);
  }
  Result<Offsets> Begins(int64_t timeout_ms) override {
    return ListOffsets(RD_KAFKA_OFFSET_BEGINNING, timeout_ms);
  }
  void Commit(const Offsets& next_offsets) override;
  Status SendDeadLetter(const Record& record, std::string_view reason) override {
    return dead_letters_ == nullptr ? Status::Ok() : dead_letters_->Send(record, reason);
  }
  Status FlushDeadLetters(int64_t timeout_ms) override {
    return dead_letters_ == nullptr ? Status::Ok() : dead_letters_->Flush(timeout_ms);
  }

 private:
  Result<int32_t> AskPartitionCount();
  Result<Offsets> ListOffsets(int64_t which, int64_t timeout_ms);
  // Takes one message or event out of librdkafka's hands.
  void Take(rd_kafka_message_t* message, std::vector<Record>& records);
  void TakeEvent(const rd_kafka_message_t& event);
  void TakeOutOfRange(const rd_kafka_message_t& event);
  void ReleaseMessages();
  int64_t& PositionOf(int32_t partition);
  std::string Where() const { return fmt::format("topic '{}' at {}", topic_, brokers_); }

  const std::string source_name_;
  const std::string topic_;
  const std::string brokers_;
  KafkaClient consumer_;
  KafkaTopic topic_handle_;
  KafkaQueue consumer_queue_;
  KafkaQueue commit_queue_;
  std::unique_ptr<KafkaDeadLetters> dead_letters_;

  std::mutex mutex_;  // guards the three below
  std::optional<int32_t> partition_count_;
  std::chrono::steady_clock::time_point next_partitions_check_;
  bool partitions_changed_ = false;

  std::atomic<int> commits_pending_{0};

  // The polling thread's own. Indexed by partition.
  std::vector<int64_t> positions_;
  std::vector<rd_kafka_message_t*> held_;  // payloads of the last batch live here
  std::vector<rd_kafka_message_t*> drained_;
  Status broken_;   // records are gone: every poll says so
  Status trouble_;  // of the current poll
};

Result<int32_t> KafkaLogReader::AskPartitionCount() {
  const rd_kafka_metadata_t* raw = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_metadata(consumer_.get(), 0, topic_handle_.get(), &raw, kMetadataTimeoutMs);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Status::Unavailable(fmt::format("{}: {}", Where(), rd_kafka_err2str(error)));
  }
  const KafkaMetadata metadata(raw);
  FRESHET_CHECK(metadata->topic_cnt == 1);
  const rd_kafka_metadata_topic_t& topic = metadata->topics[0];
  if (topic.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || topic.partition_cnt == 0) {
    return Status::Unavailable(
        fmt::format("{} does not exist; reading starts once it is created", Where()));
  }
  if (topic.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Status::Unavailable(fmt::format("{}: {}", Where(), rd_kafka_err2str(topic.err)));
  }
  if (static_cast<size_t>(topic.partition_cnt) > limits::kPartitionsMax) {
    return Status::ResourceExhausted(fmt::format("{} has {} partitions, and {} are allowed",
                                                 Where(), topic.partition_cnt,
                                                 limits::kPartitionsMax));
  }
  return topic.partition_cnt;
}

Result<std::vector<int32_t>> KafkaLogReader::Partitions() {
  std::lock_guard lock(mutex_);
  if (!partition_count_) {
    FRESHET_ASSIGN_OR_RETURN(partition_count_, AskPartitionCount());
  }
  std::vector<int32_t> partitions(static_cast<size_t>(*partition_count_));
  for (size_t i = 0; i < partitions.size(); ++i) partitions[i] = static_cast<int32_t>(i);
  return partitions;
}

bool KafkaLogReader::partitions_changed() {
  std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (partitions_changed_ || !partition_count_ || now < next_partitions_check_) {
    return partitions_changed_;
  }
  next_partitions_check_ = now + kPartitionsCheckInterval;
  const Result<int32_t> count = AskPartitionCount();
  // A topic cannot lose partitions: fewer is a topic that was made anew, and its offsets tell.
  partitions_changed_ = count.ok() && *count > *partition_count_;
  return partitions_changed_;
}

Status KafkaLogReader::Start(const Offsets& offsets) {
  FRESHET_CHECK(positions_.empty());
  FRESHET_ASSIGN_OR_RETURN(const std::vector<int32_t> partitions, Partitions());
  KafkaPartitionList assignment(
      rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  positions_.assign(partitions.size(), kUnknown);
  for (const int32_t partition : partitions) {
    const auto found = offsets.find(partition);
    if (found != offsets.end()) PositionOf(partition) = found->second;
    rd_kafka_topic_partition_list_add(assignment.get(), topic_.c_str(), partition)->offset =
        found != offsets.end() ? found->second : RD_KAFKA_OFFSET_BEGINNING;
  }
  const rd_kafka_resp_err_t error = rd_kafka_assign(consumer_.get(), assignment.get());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return Status::Ok();
  return Status::Unavailable(
      fmt::format("{} cannot be assigned: {}", Where(), rd_kafka_err2str(error)));
}

Status KafkaLogReader::Poll(size_t records_max, int64_t timeout_ms, std::vector<Record>& records) {
  FRESHET_CHECK(records_max > 0);
  ReleaseMessages();
  records.clear();
  if (!broken_.ok()) return broken_;
  trouble_ = Status::Ok();
  rd_kafka_message_t* first = rd_kafka_consumer_poll(consumer_.get(), static_cast<int>(timeout_ms));
  if (first == nullptr) return Status::Ok();
  Take(first, records);
  drained_.resize(records_max);
  while (records.size() < records_max) {
    // Only with a timeout of zero: otherwise it waits until the batch is full.
    const ssize_t count = rd_kafka_consume_batch_queue(consumer_queue_.get(), 0, drained_.data(),
                                                       records_max - records.size());
    for (ssize_t i = 0; i < count; ++i) Take(drained_[static_cast<size_t>(i)], records);
    if (count <= 0) break;
  }
  if (!records.empty()) return Status::Ok();
  return broken_.ok() ? trouble_ : broken_;
}

void KafkaLogReader::Take(rd_kafka_message_t* message, std::vector<Record>& records) {
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    const KafkaMessage owned(message);
    TakeEvent(*owned);
    return;
  }
  held_.push_back(message);
  PositionOf(message->partition) = message->offset + 1;
  rd_kafka_timestamp_type_t timestamp_type;
  Record& record = records.emplace_back();
  record.partition = message->partition;
  record.offset = message->offset;
  record.timestamp_ms = rd_kafka_message_timestamp(message, &timestamp_type);
  record.payload = {static_cast<const char*>(message->payload), message->len};
  record.is_tombstone = message->payload == nullptr;
  if (message->key != nullptr)
    record.key.emplace(static_cast<const char*>(message->key), message->key_len);
}

void KafkaLogReader::TakeEvent(const rd_kafka_message_t& event) {
  switch (event.err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      // Past what a consumer never sees: transaction markers, compacted and aborted records.
      PositionOf(event.partition) = std::max(PositionOf(event.partition), event.offset);
      return;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      TakeOutOfRange(event);
      return;
    default:
      trouble_ =
          Status::Unavailable(fmt::format("{}: {}", Where(), rd_kafka_message_errstr(&event)));
  }
}

void KafkaLogReader::TakeOutOfRange(const rd_kafka_message_t& event) {
  const int64_t position = PositionOf(event.partition);
  if (position == kUnknown) {
    // The beginning moved between the question where it is and the first fetch: nothing was missed.
    rd_kafka_seek(topic_handle_.get(), event.partition, RD_KAFKA_OFFSET_BEGINNING, 0);
    return;
  }
  broken_ = Status::Corruption(fmt::format(
      "{}: partition {} no longer has offset {}, from which source '{}' must go on; either let it "
      "go on at what is kept (skip_missing_offsets), or remove its views and apply them anew",
      Where(), event.partition, position, source_name_));
}

void KafkaLogReader::ReleaseMessages() {
  for (rd_kafka_message_t* message : held_) rd_kafka_message_destroy(message);
  held_.clear();
}

int64_t& KafkaLogReader::PositionOf(int32_t partition) {
  const auto index = static_cast<size_t>(partition);
  FRESHET_CHECK(index < positions_.size());
  return positions_[index];
}

Offsets KafkaLogReader::positions() const {
  Offsets offsets;
  for (size_t i = 0; i < positions_.size(); ++i) {
    if (positions_[i] != kUnknown) {
      offsets.emplace_hint(offsets.end(), static_cast<int32_t>(i), positions_[i]);
    }
  }
  return offsets;
}

Result<Offsets> KafkaLogReader::ListOffsets(int64_t which, int64_t timeout_ms) {
  FRESHET_ASSIGN_OR_RETURN(const std::vector<int32_t> partitions, Partitions());
  KafkaPartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const int32_t partition : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), partition)->offset = which;
  }
  const rd_kafka_resp_err_t error =
      rd_kafka_offsets_for_times(consumer_.get(), list.get(), static_cast<int>(timeout_ms));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Status::Unavailable(
        fmt::format("{} does not tell its offsets: {}", Where(), rd_kafka_err2str(error)));
  }
  Offsets offsets;
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& answer = list->elems[i];
    if (answer.err != RD_KAFKA_RESP_ERR_NO_ERROR || answer.offset < 0) {
      return Status::Unavailable(fmt::format("{} does not tell the offset of partition {}: {}",
                                             Where(), answer.partition,
                                             rd_kafka_err2str(answer.err)));
    }
    offsets.emplace(answer.partition, answer.offset);
  }
  return offsets;
}

void KafkaLogReader::Commit(const Offsets& next_offsets) {
  if (next_offsets.empty()) return;
  while (KafkaEvent done{rd_kafka_queue_poll(commit_queue_.get(), 0)}) {
    --commits_pending_;
    if (const rd_kafka_resp_err_t error = rd_kafka_event_error(done.get())) {
      LogDebug("{}: positions of source '{}' could not be committed: {}", Where(), source_name_,
               rd_kafka_err2str(error));
    }
  }
  KafkaPartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(next_offsets.size())));
  for (const auto& [partition, offset] : next_offsets) {
    rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), partition)->offset = offset;
  }
  if (rd_kafka_commit_queue(consumer_.get(), list.get(), commit_queue_.get(), nullptr, nullptr) ==
      RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++commits_pending_;
  }
}

}  // namespace

Result<std::unique_ptr<LogReader>> NewKafkaLogReader(const std::string& source_name,
                                                     const registry::KafkaLog& log,
                                                     const KafkaOptions& options) {
  FRESHET_ASSIGN_OR_RETURN(
      KafkaConf conf,
      NewKafkaConf(
          options,
          // Offset questions queue behind a waiting fetch, so a fetch must not wait long. The
          // library stops fetching for a second when its queue is full, so the queue is long.
          {{"fetch.wait.max.ms", "50"},
           {"queued.min.messages", std::to_string(limits::kKafkaQueueRecordsMax)},
           {"queued.max.messages.kbytes", std::to_string(limits::kKafkaQueueKilobytesMax)},
           {"reconnect.backoff.max.ms", "2000"}},
          {{"group.id", options.consumer_group},
           {"enable.auto.commit", "false"},
           {"enable.auto.offset.store", "false"},
           {"auto.offset.reset", "error"},
           {"enable.partition.eof", "true"},
           {"isolation.level", "read_committed"},
           {"allow.auto.create.topics", "false"}}));
  FRESHET_ASSIGN_OR_RETURN(KafkaClient consumer,
                           NewKafkaClient(RD_KAFKA_CONSUMER, std::move(conf)));
  std::unique_ptr<LogReader> reader =
      std::make_unique<KafkaLogReader>(source_name, log, options, std::move(consumer));
  return reader;
}

Status CheckKafkaProperties(const KafkaOptions& options) {
  return NewKafkaConf(options, {}, {}).status();
}

}  // namespace freshet::ingest
