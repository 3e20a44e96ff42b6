// Runs as they are written, read back, merged, and refused where their bytes are not those that were written.
#include "store/run_file.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/coding.h"
#include "base/limits.h"
#include "store/file_checksum.h"
#include "store/row.h"
#include "store/run_merger.h"
#include "support/seed.h"
#include "support/temp_folder.h"

namespace freshet::store {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;

using RunRows = std::vector<std::pair<std::string, std::string>>;

std::string Tombstone(int64_t time_ms) {
  std::string row;
  RowLayout::EncodeTombstone(time_ms, row);
  return row;
}

class RunFileTest : public ::testing::Test {
 protected:
  void Write(const RunRows& rows, size_t block_bytes, const std::string& name = "a.run") {
    auto writer = RunWriter::Create(folder_.File(name), block_bytes);
    ASSERT_TRUE(writer.ok()) << writer.status().ToString();
    for (const auto& [key, row] : rows) ASSERT_TRUE(writer->Add(key, row).ok());
    ASSERT_TRUE(writer->Finish(Durability::kSynced).ok());
  }
  std::string Bytes() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void Replace(std::string_view bytes) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
  }
  Result<RunRows> Read() const {
    FRESHET_ASSIGN_OR_RETURN(const std::unique_ptr<SortedRows> run, RunReader::Open(path_));
    RunRows rows;
    while (run->valid()) {
      rows.emplace_back(run->entity_key(), run->row());
      FRESHET_RETURN_IF_ERROR(run->Next());
    }
    return rows;
  }

  const testing::TempFolder folder_;
  const std::string path_ = folder_.File("a.run");
};

TEST_F(RunFileTest, HasItsGoldenBytes) {
  Write({{"a", Tombstone(258)}, {"bc", Tombstone(1)}, {"d", Tombstone(2)}}, 40);
  const std::string zeros(6, '\0');
  const std::string first = "\x01\x00\x00\x00\x09\x00\x00\x00"s + "a" + "\x02\x02\x01"s + zeros +
                            "\x02\x00\x00\x00\x09\x00\x00\x00"s + "bc" + "\x02\x01\x00"s + zeros;
  const std::string second = "\x01\x00\x00\x00\x09\x00\x00\x00"s + "d" + "\x02\x02\x00"s + zeros;
  std::string expected = "freshet-run 1\n";
  for (const std::string& rows : {first, second}) {
    Append(expected, static_cast<uint32_t>(rows.size()));
    Append(expected, ChecksumOfBytes(rows));
    expected += rows;
  }
  EXPECT_EQ(Bytes(), expected + "\0\0\0\0"s + "\x03\0\0\0\0\0\0\0"s);
  EXPECT_EQ(expected.substr(14, 12), "\x25\x00\x00\x00\x5b\x1b\xe1\x4a\xec\x64\x75\x37"s);
}

TEST_F(RunFileTest, RowsComeBackWhateverTheirSize) {
  RunRows rows;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{300}, limits::kStoredRowBytesMax - 9}) {
    const std::string key = fmt::format("{}{}", rows.size(), std::string(size % 65'000, 'k'));
    rows.emplace_back(key, Tombstone(1) + std::string(size, 'x'));
  }
  rows.emplace_back("5", Tombstone(5));
  for (const size_t block_bytes : {size_t{0}, size_t{100}, limits::kRunBlockBytes}) {
    Write(rows, block_bytes);
    const auto read = Read();
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    EXPECT_TRUE(*read == rows) << block_bytes;
  }
  Write({}, 100);
  EXPECT_TRUE(Read()->empty());
}

TEST_F(RunFileTest, BytesThatWereNotWrittenSoAreRefused) {
  Write({{"a", Tombstone(258)}, {"b", Tombstone(1)}, {"c", Tombstone(2)}}, 40);
  const std::string bytes = Bytes();
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string other = bytes;
    other[at] = static_cast<char>(other[at] ^ (1 << at % 8));
    Replace(other);
    const Status status = Read().status();
    EXPECT_EQ(status.code(), StatusCode::kCorruption) << at << status.ToString();
    EXPECT_THAT(status.ToString(), HasSubstr(path_ + " is damaged: "));
    Replace(bytes.substr(0, at));
    EXPECT_EQ(Read().status().code(), StatusCode::kCorruption) << at;
  }
  Replace(bytes + "x");
  EXPECT_THAT(Read().status().ToString(), HasSubstr("something follows its end"));
  std::filesystem::remove(path_);
  EXPECT_THAT(Read().status().ToString(), HasSubstr("cannot open " + path_));
}

// Beside a map, for keys of all sizes that share what they begin with.
TEST_F(RunFileTest, MergedRunsHandOverTheNewestRowOfAKeyFirst) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 30; ++round) {
    std::map<std::string, std::string> expected;
    std::vector<std::unique_ptr<SortedRows>> runs;
    const size_t run_count = random() % 12;
    size_t added = 0;
    for (size_t run = 0; run < run_count; ++run) {
      std::map<std::string, std::string> rows;
      for (size_t i = random() % 100; i > 0; --i) {
        const std::string key = std::string(random() % 12, '\xff') + std::to_string(random() % 50);
        rows[key] = Tombstone(static_cast<int64_t>(random() % 4)) + std::to_string(run);
      }
      for (const auto& [key, row] : rows) {
        std::string& kept = expected[key];
        if (kept.empty() || RowLayout::EventTimeMs(row) >= RowLayout::EventTimeMs(kept)) kept = row;
      }
      added += rows.size();
      const std::string name = fmt::format("{}-{}.run", round, run);
      Write({rows.begin(), rows.end()}, random() % 2'000, name);
      auto reader = RunReader::Open(folder_.File(name));
      ASSERT_TRUE(reader.ok()) << reader.status().ToString();
      runs.push_back(std::move(*reader));
    }
    RunMerger merger(std::move(runs));
    std::map<std::string, std::string> merged;
    size_t handed_over = 0;
    for (; merger.valid(); ++handed_over) {
      ASSERT_TRUE(merged.empty() || merged.rbegin()->first <= merger.entity_key());
      merged.emplace(merger.entity_key(), merger.row());
      ASSERT_TRUE(merger.Next().ok());
    }
    EXPECT_EQ(handed_over, added);
    ASSERT_EQ(merged, expected) << "round " << round;
  }
}

}  // namespace
}  // namespace freshet::store
