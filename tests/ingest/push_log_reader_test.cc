#include "ingest/push_log_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "harness.h"

namespace freshet::ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class PushLogReaderTest : public ::testing::Test {
 protected:
  PushLogReaderTest() {
    source_.id = 7;
    source_.name = "clicks";
    source_.kind = registry::PushLog{};
  }

  std::unique_ptr<LogReader> NewReader() {
    auto reader = NewLogReader(source_, {}, harness_.store());
    EXPECT_TRUE(reader.ok()) << reader.status().ToString();
    return std::move(*reader);
  }
  void Append(const std::vector<std::string_view>& payloads, int64_t timestamp_ms) {
    const auto appended = harness_.store().AppendLog(source_.id, payloads, timestamp_ms);
    ASSERT_TRUE(appended.ok()) << appended.status().ToString();
  }

  StoreHarness harness_;
  registry::Source source_;
  std::vector<Record> batch_;
};

TEST_F(PushLogReaderTest, ReadsWhatWasAppendedInOrder) {
  Append({"a", "", "ccc"}, 100);
  Append({"d"}, 200);
  auto reader = NewReader();
  EXPECT_THAT(*reader->Partitions(), ElementsAre(0));
  ASSERT_TRUE(reader->Start({}).ok());
  EXPECT_EQ(*reader->Ends(0), (Offsets{{0, 4}}));
  EXPECT_EQ(*reader->Begins(0), (Offsets{{0, 0}}));
  ASSERT_TRUE(reader->Poll(3, 1'000, batch_).ok());
  ASSERT_EQ(batch_.size(), 3u);
  EXPECT_EQ(batch_[0].payload, "a");
  EXPECT_EQ(batch_[1].payload, "");
  EXPECT_EQ(batch_[2].payload, "ccc");
  EXPECT_EQ(batch_[2].offset, 2);
  EXPECT_EQ(batch_[2].timestamp_ms, 100);
  EXPECT_THAT(reader->positions(), ElementsAre(Pair(0, 3)));
  ASSERT_TRUE(reader->Poll(3, 1'000, batch_).ok());
  ASSERT_EQ(batch_.size(), 1u);
  EXPECT_EQ(batch_[0].timestamp_ms, 200);
  ASSERT_TRUE(reader->Poll(3, 1, batch_).ok());
  EXPECT_TRUE(batch_.empty());
  Append({"e"}, 300);
  ASSERT_TRUE(reader->Poll(3, 1'000, batch_).ok());
  EXPECT_EQ(batch_.size(), 1u);
}

TEST_F(PushLogReaderTest, StartsWhereItIsTold) {
  Append({"a", "b", "c"}, 100);
  auto reader = NewReader();
  ASSERT_TRUE(reader->Start({{0, 2}}).ok());
  ASSERT_TRUE(reader->Poll(10, 1'000, batch_).ok());
  ASSERT_EQ(batch_.size(), 1u);
  EXPECT_EQ(batch_[0].payload, "c");
}

TEST_F(PushLogReaderTest, APositionBeyondTheLogIsRefused) {
  Append({"a"}, 100);
  auto reader = NewReader();
  ASSERT_TRUE(reader->Start({{0, 5}}).ok());
  EXPECT_EQ(reader->Poll(10, 0, batch_).code(), StatusCode::kCorruption);
  EXPECT_EQ(reader->Poll(10, 0, batch_).code(), StatusCode::kCorruption);
}

TEST_F(PushLogReaderTest, LargeRecordsMakeSmallBatches) {
  const std::string large(limits::kEventBytesMax, 'x');
  for (int i = 0; i < 100; ++i) Append({large}, 100);
  auto reader = NewReader();
  ASSERT_TRUE(reader->Start({}).ok());
  ASSERT_TRUE(reader->Poll(limits::kPollBatchRecordsMax, 1'000, batch_).ok());
  ASSERT_TRUE(reader->Poll(limits::kPollBatchRecordsMax, 1'000, batch_).ok());
  EXPECT_EQ(batch_.size(), limits::kPushBatchBytes / limits::kEventBytesMax);
}

TEST_F(PushLogReaderTest, AFileHasNoLog) {
  source_.kind = registry::FileRows{};
  EXPECT_EQ(NewLogReader(source_, {}, harness_.store()).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(PushLogReaderTest, KafkaNeedsBrokers) {
  source_.kind = registry::KafkaLog{"topic", ""};
  EXPECT_EQ(NewLogReader(source_, {}, harness_.store()).status().code(),
            StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace freshet::ingest
