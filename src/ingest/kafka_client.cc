#include "ingest/kafka_client.h"

#include <fmt/format.h>

#include "base/log.h"
#include "base/steady_time.h"

namespace freshet::ingest {
namespace {

constexpr int kSyslogError = 3;
constexpr int64_t kLogIntervalMs = 1'000;

// What the library reports on its own is about connections, and comes again with every attempt;
// what matters to a source arrives through its polls as well.
void ForwardLog(const rd_kafka_t* client, int level, const char* facility, const char* text) {
  static LogLimiter limiter(kLogIntervalMs);
  if (level > kSyslogError) {
    LogDebug("kafka {} {}: {}", rd_kafka_name(client), facility, text);
    return;
  }
  uint64_t suppressed = 0;
  if (!limiter.Admit(SteadyMs(), &suppressed)) return;
  LogWarning("kafka {} {}: {} ({} similar held back)", rd_kafka_name(client), facility, text,
             suppressed);
}

Status SetAll(rd_kafka_conf_t* conf, const KafkaProperties& properties) {
  char reason[512];
  for (const auto& [name, value] : properties) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), reason, sizeof(reason)) !=
        RD_KAFKA_CONF_OK) {
      return Status::InvalidArgument(
          fmt::format("kafka property '{}' = '{}' is not accepted: {}", name, value, reason));
    }
  }
  return Status::Ok();
}

}  // namespace

Result<KafkaConf> NewKafkaConf(const KafkaOptions& options, const KafkaProperties& defaults,
                               const KafkaProperties& fixed) {
  KafkaConf conf(rd_kafka_conf_new());
  rd_kafka_conf_set_log_cb(conf.get(), ForwardLog);
  FRESHET_RETURN_IF_ERROR(SetAll(conf.get(), defaults));
  FRESHET_RETURN_IF_ERROR(SetAll(conf.get(), options.properties));
  FRESHET_RETURN_IF_ERROR(SetAll(conf.get(), {{"bootstrap.servers", options.brokers}}));
  FRESHET_RETURN_IF_ERROR(SetAll(conf.get(), fixed));
  return conf;
}

Result<KafkaClient> NewKafkaClient(rd_kafka_type_t type, KafkaConf conf) {
  char reason[512];
  rd_kafka_t* client = rd_kafka_new(type, conf.get(), reason, sizeof(reason));
  if (client == nullptr) {
    return Status::IoError(fmt::format("kafka client cannot be made: {}", reason));
  }
  (void)conf.release();  // the client owns it now
  return KafkaClient(client);
}

}  // namespace freshet::ingest
