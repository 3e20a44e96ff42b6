#include "engine/config.h"

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temp_folder.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

void ExpectEqual(const ServerConfig& a, const ServerConfig& b) {
  EXPECT_EQ(a.address, b.address);
  EXPECT_EQ(a.http_address, b.http_address);
  EXPECT_EQ(a.http_connections, b.http_connections);
  EXPECT_EQ(a.definitions_folder, b.definitions_folder);
  EXPECT_EQ(a.log_level, b.log_level);
  EXPECT_EQ(a.log_format, b.log_format);
  EXPECT_EQ(a.engine.data_folder, b.engine.data_folder);
  EXPECT_EQ(a.engine.cache_bytes, b.engine.cache_bytes);
  EXPECT_EQ(a.engine.block_cache_bytes, b.engine.block_cache_bytes);
  EXPECT_EQ(a.engine.write_buffer_bytes, b.engine.write_buffer_bytes);
  EXPECT_EQ(a.engine.kafka_brokers, b.engine.kafka_brokers);
  EXPECT_EQ(a.engine.kafka_consumer_group, b.engine.kafka_consumer_group);
  EXPECT_EQ(a.engine.kafka_properties, b.engine.kafka_properties);
  EXPECT_EQ(a.engine.skip_missing_offsets, b.engine.skip_missing_offsets);
  EXPECT_EQ(a.engine.checkpoint_interval_ms, b.engine.checkpoint_interval_ms);
  EXPECT_EQ(a.engine.checkpoint_dirty_bytes, b.engine.checkpoint_dirty_bytes);
  EXPECT_EQ(a.engine.as_of_interval_ms, b.engine.as_of_interval_ms);
  EXPECT_EQ(a.engine.allow_read_time, b.engine.allow_read_time);
  EXPECT_EQ(a.engine.requests_in_flight_max, b.engine.requests_in_flight_max);
  EXPECT_EQ(a.engine.load_memory_bytes, b.engine.load_memory_bytes);
  EXPECT_EQ(a.engine.load_keep_unfinished_ms, b.engine.load_keep_unfinished_ms);
}

// Every option, each away from its default: what config/freshet.yaml must mention.
const char* const kEveryOption = R"(
server:
  address: "[::]:7171"
  definitions: features
http:
  address: "[::]:7272"
  connections: 16
data:
  folder: /var/lib/freshet
  cache: 1GiB
  block_cache: 64MiB
  write_buffer: 16MiB
kafka:
  brokers: one:9092,two:9092
  consumer_group: shop
  skip_missing_offsets: true
  properties: {security.protocol: sasl_ssl, fetch.min.bytes: 1}
ingest:
  checkpoint_interval: 250ms
  checkpoint_dirty: 32MiB
  as_of_interval: 1s
serving:
  allow_read_time: true
  requests_in_flight: 500
load:
  memory_limit: 1GiB
  keep_unfinished: 2h
  adopt_from: /mnt/built
log:
  level: debug
  format: json
)";

// "group.key" of every key of a configuration, whatever it holds.
std::vector<std::string> Keys(const std::string& text) {
  std::vector<std::string> keys;
  std::istringstream lines(text);
  std::string group;
  for (std::string line; std::getline(lines, line);) {
    const size_t begin = line.find_first_not_of(' ');
    const size_t colon = line.find(':');
    if (begin == std::string::npos || line[begin] == '#' || colon == std::string::npos) continue;
    const std::string key = line.substr(begin, colon - begin);
    if (begin == 0) {
      group = key;
    } else {
      keys.push_back(group + "." + key);
    }
  }
  return keys;
}

std::string ShippedText() {
  std::ifstream file(FRESHET_CONFIGURATION);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Config, EveryOptionIsRead) {
  const Result<ServerConfig> config = ParseServerConfig("freshet.yaml", kEveryOption);
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  EXPECT_EQ(config->address, "[::]:7171");
  EXPECT_EQ(config->http_address, "[::]:7272");
  EXPECT_EQ(config->http_connections, 16);
  EXPECT_EQ(config->definitions_folder, "features");
  EXPECT_EQ(config->log_level, LogLevel::kDebug);
  EXPECT_EQ(config->log_format, LogFormat::kJson);
  EXPECT_EQ(config->engine.data_folder, "/var/lib/freshet");
  EXPECT_EQ(config->engine.cache_bytes, size_t{1} << 30);
  EXPECT_EQ(config->engine.block_cache_bytes, size_t{64} << 20);
  EXPECT_EQ(config->engine.write_buffer_bytes, size_t{16} << 20);
  EXPECT_EQ(config->engine.kafka_brokers, "one:9092,two:9092");
  EXPECT_EQ(config->engine.kafka_consumer_group, "shop");
  EXPECT_TRUE(config->engine.skip_missing_offsets);
  EXPECT_EQ(config->engine.kafka_properties,
            (std::map<std::string, std::string>{{"security.protocol", "sasl_ssl"},
                                                {"fetch.min.bytes", "1"}}));
  EXPECT_EQ(config->engine.checkpoint_interval_ms, 250);
  EXPECT_EQ(config->engine.checkpoint_dirty_bytes, size_t{32} << 20);
  EXPECT_EQ(config->engine.as_of_interval_ms, 1'000);
  EXPECT_TRUE(config->engine.allow_read_time);
  EXPECT_EQ(config->engine.requests_in_flight_max, 500u);
  EXPECT_EQ(config->engine.load_adopt_from, "/mnt/built");
  EXPECT_EQ(config->engine.load_memory_bytes, size_t{1} << 30);
}

TEST(Config, TheShippedFileIsTheDefaults) {
  const Result<ServerConfig> config = ReadServerConfig(FRESHET_CONFIGURATION);
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  ExpectEqual(*config, ServerConfig{});
}

TEST(Config, TheShippedFileMentionsEveryOption) {
  EXPECT_EQ(Keys(ShippedText()), Keys(kEveryOption));
}

TEST(Config, NothingMeansTheDefaults) {
  for (const char* text : {"", "# nothing\n", "server:\ndata:\nkafka:\n  properties:\nlog:\n"}) {
    const Result<ServerConfig> config = ParseServerConfig("freshet.yaml", text);
    ASSERT_TRUE(config.ok()) << config.status().ToString();
    ExpectEqual(*config, ServerConfig{});
  }
}

TEST(Config, EverythingThatIsWrongIsSaidAtOnceWithItsPlace) {
  const Result<ServerConfig> config = ParseServerConfig("freshet.yaml", R"(server:
  adress: 127.0.0.1:7070
data:
  cache: 1KiB
  folder: ""
kafka:
  properties: {bootstrap.servers: here, group.id: mine}
ingest:
  checkpoint_interval: 1ms
  as_of_interval: soon
log:
  level: verbose
serving:
  allow_read_time: maybe
  requests_in_flight: 65537
http:
  address: 7071
  connections: 0
sever: {}
)");
  ASSERT_EQ(config.status().code(), StatusCode::kInvalidArgument);
  const std::string message(config.status().message());
  for (const char* part :
       {"freshet.yaml:2:3: ", "'address'", "freshet.yaml:4:10: cache is 1024 bytes",
        "freshet.yaml:5:11: folder", "freshet.yaml:7:16: property 'bootstrap.servers'",
        "use kafka.brokers", "use kafka.consumer_group",
        "freshet.yaml:9:24: checkpoint_interval is 1ms",
        "freshet.yaml:10:19: ", "freshet.yaml:12:10: level is 'verbose'",
        "debug, info, warning, error, off", "freshet.yaml:14:20: ",
        "freshet.yaml:15:23: requests_in_flight is 65537; it must be within 0 and 65536",
        "freshet.yaml:17:12: address '7071' is not host:port",
        "freshet.yaml:18:16: connections is 0; it must be within 1 and 4096",
        "freshet.yaml:19:1: ", "'server'"}) {
    EXPECT_THAT(message, HasSubstr(part));
  }
}

TEST(Config, AddressesAreHostAndPort) {
  for (const char* good : {"0.0.0.0:7070", "localhost:0", "'[::1]:65535'"}) {
    EXPECT_TRUE(ParseServerConfig("f", std::string("server: {address: ") + good + "}").ok())
        << good;
  }
  for (const char* bad :
       {"localhost", "':7070'", "'localhost:'", "localhost:65536", "localhost:port"}) {
    EXPECT_FALSE(ParseServerConfig("f", std::string("server: {address: ") + bad + "}").ok()) << bad;
  }
}

TEST(Config, OnlyHttpMayListenNowhere) {
  const Result<ServerConfig> config = ParseServerConfig("f", "http: {address: ''}");
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  EXPECT_EQ(config->http_address, "");
  EXPECT_FALSE(ParseServerConfig("f", "server: {address: ''}").ok());
}

TEST(Config, AFileThatIsNotThereIsNotFound) {
  testing::TempFolder folder;
  EXPECT_EQ(ReadServerConfig(folder.File("none.yaml")).status().code(), StatusCode::kNotFound);
  { std::ofstream empty(folder.File("empty.yaml")); }
  EXPECT_TRUE(ReadServerConfig(folder.File("empty.yaml")).ok());
  EXPECT_EQ(ReadServerConfig(folder.path()).status().code(), StatusCode::kIoError);
}

}  // namespace
}  // namespace freshet
