#include "ingest/kafka_dead_letters.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "ingest/kafka_client.h"

namespace freshet::ingest {
namespace {

// Room for the key and the headers beside the largest event.
constexpr size_t kMessageBytesMax = limits::kEventBytesMax + (64u << 10);

void AddHeader(rd_kafka_headers_t* headers, const char* name, std::string_view value) {
  rd_kafka_header_add(headers, name, -1, value.data(), static_cast<ssize_t>(value.size()));
}

}  // namespace

KafkaDeadLetters::KafkaDeadLetters(std::string source, std::string topic, KafkaOptions options)
    : source_(std::move(source)), topic_(std::move(topic)), options_(std::move(options)) {}

KafkaDeadLetters::~KafkaDeadLetters() = default;

Status KafkaDeadLetters::Send(const Record& record, std::string_view reason) {
  FRESHET_RETURN_IF_ERROR(EnsureProducer());
  rd_kafka_poll(producer_.get(), 0);
  FRESHET_RETURN_IF_ERROR(CheckRoom());
  KafkaHeaders headers = MakeHeaders(record, reason);
  std::optional<std::string_view> key = record.key;
  if (key.has_value() && key->size() > limits::kDeadLetterKeyBytesMax) {
    AddHeader(headers.get(), "key_bytes", std::to_string(key->size()));
    key.reset();
  }
  std::optional<std::string_view> payload;
  if (!record.is_tombstone) payload = record.payload;
  if (record.payload.size() > limits::kEventBytesMax) {
    AddHeader(headers.get(), "payload_bytes", std::to_string(record.payload.size()));
    payload = "";
  }
  return Produce(key, payload, headers);
}

Status KafkaDeadLetters::Flush(int64_t timeout_ms) {
  {
    std::lock_guard lock(producer_mutex_);
    if (producer_ == nullptr) return Status::Ok();
  }
  FRESHET_RETURN_IF_ERROR(ResendFailed());
  const bool flushed =
      rd_kafka_flush(producer_.get(), static_cast<int>(timeout_ms)) == RD_KAFKA_RESP_ERR_NO_ERROR;
  std::lock_guard lock(failed_mutex_);
  if (!failed_.empty()) {
    return Status::Unavailable(
        fmt::format("{} dead letters could not be delivered to topic '{}': {}; they are sent again",
                    failed_.size(), topic_, failure_));
  }
  if (!flushed) {
    return Status::Unavailable(fmt::format("{} dead letters wait for delivery to topic '{}'",
                                           rd_kafka_outq_len(producer_.get()), topic_));
  }
  return Status::Ok();
}

Status KafkaDeadLetters::EnsureProducer() {
  std::lock_guard lock(producer_mutex_);
  if (producer_ != nullptr) return Status::Ok();
  FRESHET_ASSIGN_OR_RETURN(
      KafkaConf conf,
      NewKafkaConf(
          options_, {{"linger.ms", "5"}, {"compression.type", "lz4"}},
          {{"acks", "all"},
           {"message.max.bytes", std::to_string(kMessageBytesMax)},
           {"queue.buffering.max.messages", std::to_string(limits::kDeadLetterQueueRecordsMax)},
           {"queue.buffering.max.kbytes", std::to_string(limits::kDeadLetterQueueKilobytesMax)}}));
  rd_kafka_conf_set_dr_msg_cb(conf.get(), OnDelivery);
  rd_kafka_conf_set_opaque(conf.get(), this);
  FRESHET_ASSIGN_OR_RETURN(producer_, NewKafkaClient(RD_KAFKA_PRODUCER, std::move(conf)));
  return Status::Ok();
}

// What failed has left librdkafka's queue and its bounds.
Status KafkaDeadLetters::CheckRoom() {
  std::lock_guard lock(failed_mutex_);
  if (failed_.size() < limits::kDeadLetterQueueRecordsMax &&
      failed_bytes_ < limits::kDeadLetterQueueKilobytesMax * 1'024)
    return Status::Ok();
  return Status::Unavailable(
      fmt::format("{} dead letters could not be delivered to topic '{}': {}; reading goes on once "
                  "they are",
                  failed_.size(), topic_, failure_));
}

KafkaHeaders KafkaDeadLetters::MakeHeaders(const Record& record, std::string_view reason) const {
  KafkaHeaders headers(rd_kafka_headers_new(5));
  AddHeader(headers.get(), "source", source_);
  AddHeader(headers.get(), "reason", reason);
  AddHeader(headers.get(), "partition", std::to_string(record.partition));
  AddHeader(headers.get(), "offset", std::to_string(record.offset));
  return headers;
}

// librdkafka's macros check the types of their arguments by an extension.
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wgnu-statement-expression"
#endif
Status KafkaDeadLetters::Produce(const std::optional<std::string_view>& key,
                                 const std::optional<std::string_view>& payload,
                                 KafkaHeaders& headers) {
  // Nothing has null data.
  const std::string_view key_bytes = key.value_or(std::string_view());
  const std::string_view value = payload.value_or(std::string_view());
  const rd_kafka_resp_err_t error = rd_kafka_producev(
      producer_.get(), RD_KAFKA_V_TOPIC(topic_.c_str()),
      RD_KAFKA_V_KEY(key_bytes.data(), key_bytes.size()),
      RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(headers.get()), RD_KAFKA_V_END);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Status::Unavailable(fmt::format("a dead letter cannot be sent to topic '{}': {}", topic_,
                                           rd_kafka_err2str(error)));
  }
  (void)headers.release();  // the message owns them now
  return Status::Ok();
}
#ifdef __clang__
#pragma clang diagnostic pop
#endif

Status KafkaDeadLetters::ResendFailed() {
  std::deque<Letter> letters;
  {
    std::lock_guard lock(failed_mutex_);
    letters.swap(failed_);
    failed_bytes_ = 0;
  }
  while (!letters.empty()) {
    Letter& first = letters.front();
    Status sent = Produce(first.key, first.payload, first.headers);
    if (!sent.ok()) {
      std::lock_guard lock(failed_mutex_);
      for (Letter& letter : letters) KeepLetter(std::move(letter));
      return sent;
    }
    letters.pop_front();
  }
  return Status::Ok();
}

void KafkaDeadLetters::OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
    static_cast<KafkaDeadLetters*>(self)->Keep(*message);
}

void KafkaDeadLetters::Keep(const rd_kafka_message_t& message) {
  rd_kafka_headers_t* borrowed = nullptr;
  Letter letter;
  if (rd_kafka_message_headers(&message, &borrowed) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    letter.headers.reset(rd_kafka_headers_copy(borrowed));
  } else {
    letter.headers.reset(rd_kafka_headers_new(1));
  }
  if (message.key != nullptr)
    letter.key.emplace(static_cast<const char*>(message.key), message.key_len);
  if (message.payload != nullptr)
    letter.payload.emplace(static_cast<const char*>(message.payload), message.len);
  if (message.err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) ShrinkLetter(letter);
  std::lock_guard lock(failed_mutex_);
  failure_ = rd_kafka_err2str(message.err);
  KeepLetter(std::move(letter));
}

// What is largest goes first.
void KafkaDeadLetters::ShrinkLetter(Letter& letter) {
  if (letter.payload.has_value() && !letter.payload->empty()) {
    AddHeader(letter.headers.get(), "payload_bytes", std::to_string(letter.payload->size()));
    letter.payload->clear();
  } else if (letter.key.has_value()) {
    AddHeader(letter.headers.get(), "key_bytes", std::to_string(letter.key->size()));
    letter.key.reset();
  }
}

void KafkaDeadLetters::KeepLetter(Letter letter) {
  failed_bytes_ += letter.payload.has_value() ? letter.payload->size() : 0;
  failed_bytes_ += letter.key.has_value() ? letter.key->size() : 0;
  failed_.push_back(std::move(letter));
}

}  // namespace freshet::ingest
