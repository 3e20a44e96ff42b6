// Options of an engine. Each comment names the default's reason and the cost of moving it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace freshet {

struct Options {
  // --- behaviour ---

  // The folder that holds all state; made when it is missing. One process at a time.
  std::string data_folder = "freshet-data";

  // Kafka's bootstrap brokers, "host:port,...". Empty: definitions with a kafka source are refused.
  std::string kafka_brokers;
  // Handed to librdkafka as they are, e.g. {"security.protocol", "sasl_ssl"}.
  std::map<std::string, std::string> kafka_properties;
  // Positions are committed to this consumer group so that Kafka's own tools show the lag. They are
  // never read back.
  std::string kafka_consumer_group = "freshet";
  // What to do when Kafka has deleted records that were not read yet: false stops the source, true
  // goes on and counts them.
  bool skip_missing_offsets = false;

  // Whether requests may carry a read_time. For tests and audits: such answers are not today's.
  bool allow_read_time = false;

  // Folders below this one may be adopted by loads. Empty: none may, since whoever asks for a load
  // would have this process open whatever it can.
  std::string load_adopt_from;

  // --- performance ---

  // Hot timelines and rows in memory. A read that misses costs a RocksDB look-up, some 5 us warm.
  size_t cache_bytes = 512u << 20;
  // RocksDB's cache of blocks from disk.
  size_t block_cache_bytes = 128u << 20;
  // RocksDB's write buffer per column family; smaller flushes more often, larger lengthens
  // recovery.
  size_t write_buffer_bytes = 64u << 20;
  // State and positions are made durable this often. Shorter replays less after a crash and writes
  // hot timelines more often.
  int64_t checkpoint_interval_ms = 1'000;
  // A checkpoint starts early when this much state is not durable yet.
  size_t checkpoint_dirty_bytes = 128u << 20;
  // How often a log is asked for its end. Bounds how old an as-of can be on a stream that is up to
  // date.
  int64_t as_of_interval_ms = 200;
  // Requests for features that may be in flight over gRPC and HTTP together; one more is refused at
  // once. 0: 32 for each processor. More let longer bursts through; while more come than can be
  // answered, only as many may be in flight as are answered within some milliseconds.
  size_t requests_in_flight_max = 0;
  // What sorting one load may hold in memory; more rows than fit are sorted in files of the data
  // folder.
  size_t load_memory_bytes = 512u << 20;
  // How long what a load that ended early has on disk is kept for a resumption, since the load last
  // added to it. Longer keeps the space for longer.
  int64_t load_keep_unfinished_ms = 86'400'000;
};

}  // namespace freshet
