// Delivers refused records to a topic, without losing one.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "freshet/status.h"

#include "ingest/kafka_handles.h"
#include "ingest/log_reader.h"

namespace freshet::ingest {

// A dead letter is the record's key and payload as they were, a tombstone again without one, with the
// headers source, reason, partition and offset. Each is delivered at least once: a replay after a crash
// sends it again. A payload that the topic is too small for is left out, and the header payload_bytes
// tells its size; likewise a key of more than 32 KiB, and key_bytes. Any thread.
class KafkaDeadLetters {
 public:
  KafkaDeadLetters(std::string source, std::string topic, KafkaOptions options);
  ~KafkaDeadLetters();

  // As LogReader has them.
  Status Send(const Record& record, std::string_view reason);
  Status Flush(int64_t timeout_ms);

 private:
  struct Letter {
    std::optional<std::string> key;
    std::optional<std::string> payload;
    KafkaHeaders headers;
  };

  Status EnsureProducer();
  Status CheckRoom();
  // Queues one message; on failure the headers stay with the caller.
  Status Produce(const std::optional<std::string_view>& key,
                 const std::optional<std::string_view>& payload, KafkaHeaders& headers);
  KafkaHeaders MakeHeaders(const Record& record, std::string_view reason) const;
  Status ResendFailed();

  static void OnDelivery(rd_kafka_t* client, const rd_kafka_message_t* message, void* self);
  void Keep(const rd_kafka_message_t& message);
  static void ShrinkLetter(Letter& letter);
  // Under failed_mutex_.
  void KeepLetter(Letter letter);

  const std::string source_;
  const std::string topic_;
  const KafkaOptions options_;

  std::mutex failed_mutex_;
  std::deque<Letter> failed_;
  size_t failed_bytes_ = 0;
  std::string failure_;  // why the last of them failed

  std::mutex producer_mutex_;  // guards the making of the producer
  KafkaClient producer_;
};

}  // namespace freshet::ingest
