// Making librdkafka clients from Freshet's options. Only the files that talk to Kafka include this.
#pragma once

#include <map>
#include <string>

#include "freshet/status.h"

#include "ingest/kafka_handles.h"
#include "ingest/log_reader.h"

namespace freshet::ingest {

using KafkaProperties = std::map<std::string, std::string>;

// A configuration of `defaults`, over them the operator's properties, and over those `fixed`, which
// correctness hangs on. InvalidArgument when librdkafka does not take a property.
Result<KafkaConf> NewKafkaConf(const KafkaOptions& options, const KafkaProperties& defaults,
                               const KafkaProperties& fixed);

// IoError when the client cannot be made; brokers need not be reachable.
Result<KafkaClient> NewKafkaClient(rd_kafka_type_t type, KafkaConf conf);

}  // namespace freshet::ingest
