// A Kafka topic as a log: every partition assigned once, no consumer group's rebalance, since state
// and positions must stay together.
#pragma once

#include <memory>

#include "freshet/status.h"

#include "ingest/log_reader.h"

namespace freshet::ingest {

Result<std::unique_ptr<LogReader>> NewKafkaLogReader(const std::string& source_name,
                                                     const registry::KafkaLog& log,
                                                     const KafkaOptions& options);

// InvalidArgument that names the first of the operator's properties that librdkafka does not take.
Status CheckKafkaProperties(const KafkaOptions& options);

}  // namespace freshet::ingest
