#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <thread>

#include "store/store.h"
#include "store_fixture.h"

namespace freshet::store {
namespace {

constexpr uint32_t kSource = 9;

class EventLogsTest : public StoreTest {
 protected:
  void SetUp() override { Open(); }

  int64_t AppendAll(uint32_t source_id, std::vector<std::string_view> payloads,
                    int64_t timestamp_ms) {
    Result<int64_t> last = store_->AppendLog(source_id, payloads, timestamp_ms);
    EXPECT_TRUE(last.ok()) << last.status().ToString();
    return last.ok() ? *last : -1;
  }
  std::vector<std::string> ReadAll(uint32_t source_id, int64_t offset = 0,
                                   size_t records_max = 1'000'000) {
    std::vector<std::string> records;
    int64_t next = offset;
    Status status = store_->ReadLog(source_id, offset, records_max, [&](const LogRecord& record) {
      EXPECT_EQ(record.offset, next++);
      records.push_back(std::to_string(record.timestamp_ms) + ":" + std::string(record.payload));
    });
    EXPECT_TRUE(status.ok()) << status.ToString();
    return records;
  }
};

TEST_F(EventLogsTest, BeginEmpty) {
  EXPECT_EQ(store_->LogEnd(kSource), 0);
  EXPECT_EQ(*store_->LogBegin(kSource), 0);
  EXPECT_TRUE(ReadAll(kSource).empty());
  EXPECT_EQ(AppendAll(kSource, {}, 1), -1);
}

TEST_F(EventLogsTest, KeepRecordsInOrderAndApart) {
  EXPECT_EQ(AppendAll(kSource, {"a", "b"}, 10), 1);
  EXPECT_EQ(AppendAll(kSource + 1, {"other"}, 5), 0);
  EXPECT_EQ(AppendAll(kSource, {"", "d"}, -20), 3);
  for (int opened = 0; opened < 2; ++opened) {
    EXPECT_EQ(store_->LogEnd(kSource), 4);
    EXPECT_EQ(store_->LogEnd(kSource + 1), 1);
    EXPECT_EQ(ReadAll(kSource), (std::vector<std::string>{"10:a", "10:b", "-20:", "-20:d"}));
    EXPECT_EQ(ReadAll(kSource, 1, 2), (std::vector<std::string>{"10:b", "-20:"}));
    EXPECT_EQ(ReadAll(kSource, 3, SIZE_MAX), (std::vector<std::string>{"-20:d"}));
    EXPECT_TRUE(ReadAll(kSource, 4).empty());
    EXPECT_TRUE(ReadAll(kSource, 400).empty());
    EXPECT_TRUE(ReadAll(kSource, 0, 0).empty());
    EXPECT_EQ(ReadAll(kSource + 1), (std::vector<std::string>{"5:other"}));
    Open();
  }
  EXPECT_EQ(AppendAll(kSource, {"e"}, 30), 4);
}

TEST_F(EventLogsTest, LosePayloadsAndKeepOffsetsWhenRecordsAreErased) {
  const std::string secret = "a-payload-that-nobody-else-has";
  for (int i = 0; i < 5'000; ++i) {
    const std::string other = "other" + std::to_string(i);
    AppendAll(kSource, {i % 1'000 == 7 ? secret : other}, i);
  }
  const auto is_secret = [&](const LogRecord& record) { return record.payload == secret; };
  const auto erased = store_->EraseLogRecords(kSource, is_secret);
  ASSERT_TRUE(erased.ok()) << erased.status().ToString();
  EXPECT_EQ(*erased, 5u);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(options_.path)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    EXPECT_EQ(bytes.find(secret), std::string::npos) << entry.path();
  }
  for (int opened = 0; opened < 2; ++opened) {
    int erased_count = 0;
    const Status status = store_->ReadLog(kSource, 0, 10'000, [&](const LogRecord& record) {
      EXPECT_EQ(record.is_erased, record.offset % 1'000 == 7);
      EXPECT_EQ(record.payload.empty(), record.is_erased);
      EXPECT_EQ(record.timestamp_ms, record.offset);
      erased_count += record.is_erased ? 1 : 0;
    });
    EXPECT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(erased_count, 5);
    EXPECT_EQ(*store_->EraseLogRecords(kSource, is_secret), 0u);
    EXPECT_EQ(store_->LogEnd(kSource), 5'000);
    Open();
  }
}

TEST_F(EventLogsTest, AreGoneWhenTheyAreDropped) {
  AppendAll(kSource, {"a", "b"}, 10);
  AppendAll(kSource + 1, {"c"}, 10);
  ASSERT_TRUE(store_->DropLog(kSource).ok());
  for (int opened = 0; opened < 2; ++opened) {
    EXPECT_EQ(store_->LogEnd(kSource), 0);
    EXPECT_TRUE(ReadAll(kSource).empty());
    EXPECT_EQ(ReadAll(kSource + 1).size(), 1u);
    Open();
  }
}

TEST_F(EventLogsTest, WakeThoseWhoWait) {
  EXPECT_FALSE(store_->WaitLog(kSource, 0, 1));
  AppendAll(kSource, {"a"}, 1);
  EXPECT_TRUE(store_->WaitLog(kSource, 0, 0));
  EXPECT_FALSE(store_->WaitLog(kSource, 1, 0));
  std::thread appender([&] { AppendAll(kSource, {"b"}, 1); });
  EXPECT_TRUE(store_->WaitLog(kSource, 1, 60'000));
  appender.join();
}

TEST_F(EventLogsTest, HaveNoHolesUnderConcurrentAppenders) {
  constexpr int kAppenders = 6;
  constexpr int kAppends = 60;
  std::atomic<int> left{kAppenders};
  std::vector<std::vector<std::pair<int64_t, std::string>>> acknowledged(kAppenders);
  auto append = [&](int appender) {
    std::mt19937_64 random(appender);
    for (int i = 0; i < kAppends; ++i) {
      std::vector<std::string> texts(1 + random() % 4);
      for (size_t j = 0; j < texts.size(); ++j)
        texts[j] = std::to_string(appender) + "/" + std::to_string(i) + "/" + std::to_string(j);
      std::vector<std::string_view> payloads(texts.begin(), texts.end());
      int64_t last = AppendAll(kSource, payloads, 1);
      ASSERT_GT(store_->LogEnd(kSource), last);
      for (size_t j = 0; j < texts.size(); ++j)
        acknowledged[appender].emplace_back(last + 1 + j - texts.size(), texts[j]);
    }
    --left;
  };
  // Reads behind the appenders; ReadAll checks that every offset up to the end is there.
  std::thread reader([&] {
    int64_t next = 0;
    while (left > 0) {
      if (!store_->WaitLog(kSource, next, 10)) continue;
      int64_t end = store_->LogEnd(kSource);
      auto records = ReadAll(kSource, next);
      ASSERT_GE(next + static_cast<int64_t>(records.size()), end);
      next += static_cast<int64_t>(records.size());
    }
  });
  std::vector<std::thread> appenders;
  for (int i = 0; i < kAppenders; ++i) appenders.emplace_back(append, i);
  for (std::thread& appender : appenders) appender.join();
  reader.join();
  Open();
  std::vector<std::string> records = ReadAll(kSource);
  size_t total = 0;
  for (const auto& mine : acknowledged) {
    int64_t previous = -1;
    for (const auto& [offset, text] : mine) {
      EXPECT_EQ(records.at(offset), "1:" + text);
      EXPECT_GT(offset, previous) << "one caller's records are out of order";
      previous = offset;
      ++total;
    }
  }
  EXPECT_EQ(records.size(), total);
}

}  // namespace
}  // namespace freshet::store
