// What the test broker needs of librdkafka, apart from the processes and files of kafka_broker.cc.
#pragma once

#include <string>

namespace freshet::testing {

// True when a broker at the address tells its metadata.
bool KafkaAnswers(const std::string& address);

}  // namespace freshet::testing
