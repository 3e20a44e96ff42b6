#include "ingest/log_reader.h"

#include <variant>

#include <fmt/format.h>

#include "ingest/kafka_log_reader.h"
#include "ingest/push_log_reader.h"

namespace freshet::ingest {

Result<std::unique_ptr<LogReader>> NewLogReader(const registry::Source& source,
                                                const KafkaOptions& kafka, store::Store& store) {
  if (std::holds_alternative<registry::PushLog>(source.kind)) {
    return NewPushLogReader(source, store);
  }
  const auto* log = std::get_if<registry::KafkaLog>(&source.kind);
  if (log == nullptr) {
    return Status::InvalidArgument(
        fmt::format("source '{}' is a file and has no log to read", source.name));
  }
  if (kafka.brokers.empty()) {
    return Status::FailedPrecondition(
        fmt::format("source '{}' reads kafka topic '{}', and no kafka brokers are configured",
                    source.name, log->topic));
  }
  return NewKafkaLogReader(source.name, *log, kafka);
}

}  // namespace freshet::ingest
