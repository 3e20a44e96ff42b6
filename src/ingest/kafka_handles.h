// Owners for the handles of librdkafka's C interface. Only the files that talk to Kafka include
// this.
#pragma once

#include <memory>

#include <librdkafka/rdkafka.h>

namespace freshet::ingest {

struct KafkaDeleter {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
  // Without the group's farewell, which waits for brokers that may be gone; no reader of ours is a
  // group member.
  void operator()(rd_kafka_t* client) const {
    rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  }
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
  void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
  void operator()(rd_kafka_headers_t* headers) const { rd_kafka_headers_destroy(headers); }
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
  void operator()(const rd_kafka_metadata_t* metadata) const {
    rd_kafka_metadata_destroy(metadata);
  }
};

template <typename T>
using KafkaHandle = std::unique_ptr<T, KafkaDeleter>;

using KafkaConf = KafkaHandle<rd_kafka_conf_t>;
using KafkaClient = KafkaHandle<rd_kafka_t>;
using KafkaTopic = KafkaHandle<rd_kafka_topic_t>;
using KafkaQueue = KafkaHandle<rd_kafka_queue_t>;
using KafkaEvent = KafkaHandle<rd_kafka_event_t>;
using KafkaMessage = KafkaHandle<rd_kafka_message_t>;
using KafkaHeaders = KafkaHandle<rd_kafka_headers_t>;
using KafkaPartitionList = KafkaHandle<rd_kafka_topic_partition_list_t>;
using KafkaMetadata = KafkaHandle<const rd_kafka_metadata_t>;

}  // namespace freshet::ingest
