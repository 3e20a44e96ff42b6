#include "support/kafka_client.h"

#include <algorithm>
#include <cstdlib>
#include <functional>

#include <fmt/format.h>

#include "ingest/kafka_handles.h"
#include "support/kafka_broker.h"

namespace freshet::testing {
namespace {

using ingest::KafkaClient;
using ingest::KafkaConf;
using ingest::KafkaEvent;
using ingest::KafkaHandle;
using ingest::KafkaHeaders;
using ingest::KafkaMessage;
using ingest::KafkaMetadata;
using ingest::KafkaPartitionList;
using ingest::KafkaQueue;
using ingest::KafkaTopic;

constexpr int kTimeoutMs = 30'000;

void Must(bool good, const std::string& what) {
  if (good) return;
  fmt::print(stderr, "kafka broker for tests: {}\n", what);
  std::abort();
}

void MustSucceed(rd_kafka_resp_err_t error, const std::string& what) {
  Must(error == RD_KAFKA_RESP_ERR_NO_ERROR, fmt::format("{}: {}", what, rd_kafka_err2str(error)));
}

void MustSucceed(rd_kafka_error_t* error, const std::string& what) {
  Must(error == nullptr,
       fmt::format("{}: {}", what, error == nullptr ? "" : rd_kafka_error_string(error)));
}

KafkaClient NewClient(rd_kafka_type_t type, const std::map<std::string, std::string>& properties) {
  KafkaConf conf(rd_kafka_conf_new());
  char reason[512];
  rd_kafka_conf_set_log_cb(conf.get(), nullptr);
  for (const auto& [name, value] : properties) {
    Must(rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), reason, sizeof(reason)) ==
             RD_KAFKA_CONF_OK,
         reason);
  }
  rd_kafka_t* client = rd_kafka_new(type, conf.get(), reason, sizeof(reason));
  Must(client != nullptr, reason);
  (void)conf.release();
  return KafkaClient(client);
}

// Asks the broker for one administrative thing and hands the answer to `check`.
void Administer(const std::string& address,
                const std::function<void(rd_kafka_t*, rd_kafka_queue_t*)>& ask,
                const std::function<void(rd_kafka_event_t*)>& check) {
  const KafkaClient client = NewClient(RD_KAFKA_PRODUCER, {{"bootstrap.servers", address}});
  const KafkaQueue queue(rd_kafka_queue_new(client.get()));
  ask(client.get(), queue.get());
  const KafkaEvent event(rd_kafka_queue_poll(queue.get(), kTimeoutMs));
  Must(event != nullptr, "no answer to an administrative request");
  MustSucceed(rd_kafka_event_error(event.get()), "an administrative request");
  check(event.get());
}

void CheckTopics(const rd_kafka_topic_result_t** results, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    MustSucceed(rd_kafka_topic_result_error(results[i]), rd_kafka_topic_result_name(results[i]));
  }
}

void Send(rd_kafka_t* producer, const std::string& topic, const KafkaRecord& record) {
  std::string_view payload;
  if (!record.is_tombstone) payload = record.payload;
  std::string_view key;
  if (record.key.has_value()) key = *record.key;
  for (;;) {
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        producer, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(record.partition),
        RD_KAFKA_V_KEY(key.data(), key.size()),
        RD_KAFKA_V_VALUE(const_cast<char*>(payload.data()), payload.size()),
        RD_KAFKA_V_TIMESTAMP(record.timestamp_ms), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    Must(error == RD_KAFKA_RESP_ERR__QUEUE_FULL, rd_kafka_err2str(error));
    rd_kafka_poll(producer, 100);
  }
}

int PartitionCount(rd_kafka_t* client, const std::string& topic) {
  const KafkaTopic handle(rd_kafka_topic_new(client, topic.c_str(), nullptr));
  const rd_kafka_metadata_t* raw = nullptr;
  MustSucceed(rd_kafka_metadata(client, 0, handle.get(), &raw, kTimeoutMs), "metadata");
  const KafkaMetadata metadata(raw);
  return metadata->topics[0].partition_cnt;
}

// A new topic is known to the broker a little later than it is created.
void WaitForPartitions(const std::string& address, const std::string& topic, int partitions) {
  const KafkaClient client = NewClient(RD_KAFKA_PRODUCER, {{"bootstrap.servers", address}});
  while (PartitionCount(client.get(), topic) != partitions) {
    rd_kafka_poll(client.get(), 10);
  }
}

KafkaRecord ToRecord(const rd_kafka_message_t& message) {
  KafkaRecord record;
  record.payload.assign(static_cast<const char*>(message.payload), message.len);
  record.is_tombstone = message.payload == nullptr;
  if (message.key != nullptr)
    record.key.emplace(static_cast<const char*>(message.key), message.key_len);
  record.partition = message.partition;
  record.offset = message.offset;
  rd_kafka_timestamp_type_t type;
  record.timestamp_ms = rd_kafka_message_timestamp(&message, &type);
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return record;
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    record.headers[name].assign(static_cast<const char*>(value), size);
  }
  return record;
}

}  // namespace

bool KafkaAnswers(const std::string& address) {
  const KafkaClient client = NewClient(RD_KAFKA_PRODUCER, {{"bootstrap.servers", address}});
  const rd_kafka_metadata_t* raw = nullptr;
  if (rd_kafka_metadata(client.get(), 1, nullptr, &raw, 500) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return false;
  }
  const KafkaMetadata metadata(raw);
  return metadata->broker_cnt > 0;
}

void KafkaBroker::CreateTopic(const std::string& topic, int partitions,
                              const std::map<std::string, std::string>& config) {
  rd_kafka_NewTopic_t* wanted = rd_kafka_NewTopic_new(topic.c_str(), partitions, 1, nullptr, 0);
  for (const auto& [name, value] : config) {
    MustSucceed(rd_kafka_NewTopic_set_config(wanted, name.c_str(), value.c_str()), name);
  }
  Administer(
      address_,
      [&](rd_kafka_t* client, rd_kafka_queue_t* queue) {
        rd_kafka_CreateTopics(client, &wanted, 1, nullptr, queue);
      },
      [](rd_kafka_event_t* event) {
        size_t count = 0;
        const rd_kafka_topic_result_t** results =
            rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
        CheckTopics(results, count);
      });
  rd_kafka_NewTopic_destroy(wanted);
  WaitForPartitions(address_, topic, partitions);
}

void KafkaBroker::AddPartitions(const std::string& topic, int partitions_total) {
  char reason[512];
  rd_kafka_NewPartitions_t* wanted = rd_kafka_NewPartitions_new(
      topic.c_str(), static_cast<size_t>(partitions_total), reason, sizeof(reason));
  Must(wanted != nullptr, reason);
  Administer(
      address_,
      [&](rd_kafka_t* client, rd_kafka_queue_t* queue) {
        rd_kafka_CreatePartitions(client, &wanted, 1, nullptr, queue);
      },
      [](rd_kafka_event_t* event) {
        size_t count = 0;
        const rd_kafka_topic_result_t** results = rd_kafka_CreatePartitions_result_topics(
            rd_kafka_event_CreatePartitions_result(event), &count);
        CheckTopics(results, count);
      });
  rd_kafka_NewPartitions_destroy(wanted);
  WaitForPartitions(address_, topic, partitions_total);
}

void KafkaBroker::DeleteRecords(const std::string& topic, int32_t partition, int64_t offset) {
  const KafkaPartitionList list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = offset;
  rd_kafka_DeleteRecords_t* wanted = rd_kafka_DeleteRecords_new(list.get());
  Administer(
      address_,
      [&](rd_kafka_t* client, rd_kafka_queue_t* queue) {
        rd_kafka_DeleteRecords(client, &wanted, 1, nullptr, queue);
      },
      [](rd_kafka_event_t* event) {
        const rd_kafka_topic_partition_list_t* offsets =
            rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));
        for (int i = 0; i < offsets->cnt; ++i) MustSucceed(offsets->elems[i].err, "DeleteRecords");
      });
  rd_kafka_DeleteRecords_destroy(wanted);
}

void KafkaBroker::Produce(const std::string& topic, const std::vector<KafkaRecord>& records) {
  const KafkaClient producer =
      NewClient(RD_KAFKA_PRODUCER, {{"bootstrap.servers", address_},
                                    {"linger.ms", "1"},
                                    {"message.max.bytes", "8000000"},
                                    {"queue.buffering.max.messages", "1000000"},
                                    // A batch that is sent again keeps its place.
                                    {"enable.idempotence", "true"}});
  for (const KafkaRecord& record : records) Send(producer.get(), topic, record);
  MustSucceed(rd_kafka_flush(producer.get(), kTimeoutMs), "flush");
}

void KafkaBroker::ProduceTransaction(const std::string& topic,
                                     const std::vector<KafkaRecord>& records, bool commit) {
  const KafkaClient producer = NewClient(
      RD_KAFKA_PRODUCER, {{"bootstrap.servers", address_}, {"transactional.id", "tests"}});
  MustSucceed(rd_kafka_init_transactions(producer.get(), kTimeoutMs), "init_transactions");
  MustSucceed(rd_kafka_begin_transaction(producer.get()), "begin_transaction");
  for (const KafkaRecord& record : records) Send(producer.get(), topic, record);
  MustSucceed(rd_kafka_flush(producer.get(), kTimeoutMs), "flush");
  if (commit) {
    MustSucceed(rd_kafka_commit_transaction(producer.get(), kTimeoutMs), "commit_transaction");
  } else {
    MustSucceed(rd_kafka_abort_transaction(producer.get(), kTimeoutMs), "abort_transaction");
  }
}

std::vector<KafkaRecord> KafkaBroker::Read(const std::string& topic) {
  const KafkaClient consumer = NewClient(RD_KAFKA_CONSUMER, {{"bootstrap.servers", address_},
                                                             {"group.id", "tests"},
                                                             {"enable.auto.commit", "false"},
                                                             {"enable.partition.eof", "true"}});
  int open_partitions = PartitionCount(consumer.get(), topic);
  const KafkaPartitionList list(rd_kafka_topic_partition_list_new(open_partitions));
  for (int i = 0; i < open_partitions; ++i) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), i)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
  }
  MustSucceed(rd_kafka_assign(consumer.get(), list.get()), "assign");
  std::vector<KafkaRecord> records;
  while (open_partitions > 0) {
    const KafkaMessage message(rd_kafka_consumer_poll(consumer.get(), kTimeoutMs));
    Must(message != nullptr, "no more records and no end of topic " + topic);
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      --open_partitions;
      continue;
    }
    MustSucceed(message->err, "reading topic " + topic);
    records.push_back(ToRecord(*message));
  }
  std::stable_sort(records.begin(), records.end(), [](const KafkaRecord& a, const KafkaRecord& b) {
    return std::pair(a.partition, a.offset) < std::pair(b.partition, b.offset);
  });
  return records;
}

int64_t KafkaBroker::CommittedOffset(const std::string& group, const std::string& topic,
                                     int32_t partition) {
  const KafkaClient consumer =
      NewClient(RD_KAFKA_CONSUMER, {{"bootstrap.servers", address_}, {"group.id", group}});
  const KafkaPartitionList list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition);
  MustSucceed(rd_kafka_committed(consumer.get(), list.get(), kTimeoutMs), "committed");
  return std::max<int64_t>(-1, list->elems[0].offset);
}

}  // namespace freshet::testing
