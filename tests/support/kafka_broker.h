// A real Apache Kafka for tests and benchmarks: one node, on ports of its own, gone with the
// process that started it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <sched.h>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <sys/types.h>

#include "support/temp_folder.h"

namespace freshet::testing {

struct KafkaRecord {
  std::string payload;
  int32_t partition = 0;
  int64_t timestamp_ms = 0;                    // 0: now
  int64_t offset = -1;                         // filled by Read
  std::map<std::string, std::string> headers;  // filled by Read
  std::optional<std::string> key;
  bool is_tombstone = false;  // the value is null, whatever the payload
};

class KafkaBroker {
 public:
  struct Options {
    std::string heap = "384m";
    // Starts faster and then runs slower: right for tests, wrong for measuring.
    bool quick_start = true;
  };

  // Returns once the broker answers; ends the process when it does not come up. The jars are looked
  // for in the folder that the build was configured with (FRESHET_KAFKA_LIBS).
  KafkaBroker() : KafkaBroker(Options()) {}
  explicit KafkaBroker(const Options& options);
  ~KafkaBroker();
  KafkaBroker(const KafkaBroker&) = delete;
  KafkaBroker& operator=(const KafkaBroker&) = delete;

  // The one broker that the tests of one program share; started by the first call, stopped at the
  // end of the program.
  static KafkaBroker& Shared();

  const std::string& address() const { return address_; }  // "127.0.0.1:port"

  // Each ends the process with a message when the broker refuses.
  void CreateTopic(const std::string& topic, int partitions,
                   const std::map<std::string, std::string>& config = {});
  void AddPartitions(const std::string& topic, int partitions_total);
  // Deletes the records of a partition before `offset`.
  void DeleteRecords(const std::string& topic, int32_t partition, int64_t offset);
  // Returns once all records are acknowledged.
  void Produce(const std::string& topic, const std::vector<KafkaRecord>& records);
  // Likewise, in one transaction that is then committed or aborted.
  void ProduceTransaction(const std::string& topic, const std::vector<KafkaRecord>& records,
                          bool commit);
  // Everything that the topic holds, in the order of partition and offset.
  std::vector<KafkaRecord> Read(const std::string& topic);
  // What a consumer group has committed for a partition; -1 without.
  int64_t CommittedOffset(const std::string& group, const std::string& topic, int32_t partition);

  // The cores that the broker may use from now on, all its threads.
  void SetAffinity(const cpu_set_t& cores);

  // The process stands still and goes on: as a broker that hangs.
  void Pause();
  void Continue();

 private:
  void Start();
  void WaitUntilReady();

  Options options_;
  TempFolder folder_;
  std::string address_;
  pid_t process_ = -1;
};

// A topic name that no other test of this run uses.
std::string NewTopicName(std::string_view what);

}  // namespace freshet::testing
