#include "cli/line_reader.h"

#include <array>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace freshet::cli {
namespace {

using ::testing::ElementsAre;
using Event = LineReader::Event;

class Pipe {
 public:
  Pipe() { EXPECT_EQ(pipe(ends_.data()), 0); }
  ~Pipe() {
    close(ends_[0]);
    Close();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int reading() const { return ends_[0]; }
  void Write(const std::string& text) {
    EXPECT_EQ(write(ends_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void Close() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }

 private:
  std::array<int, 2> ends_{};
};

std::vector<std::string> ReadAll(const std::string& text, size_t line_bytes_max = 100) {
  Pipe pipe;
  std::thread writer([&] {
    for (char byte : text) pipe.Write(std::string(1, byte));
    pipe.Close();
  });
  LineReader reader(pipe.reading(), line_bytes_max);
  std::vector<std::string> lines;
  while (true) {
    std::string_view line;
    const auto event = reader.Next(-1, &line);
    if (!event.ok()) lines.push_back("error in " + std::to_string(reader.line_number()));
    if (!event.ok() || *event == Event::kEnd) break;
    lines.emplace_back(line);
  }
  writer.join();
  return lines;
}

TEST(LineReader, SplitsLinesHoweverTheyArrive) {
  EXPECT_THAT(ReadAll(""), ElementsAre());
  EXPECT_THAT(ReadAll("\n"), ElementsAre(""));
  EXPECT_THAT(ReadAll("a\nbc\r\n\nd"), ElementsAre("a", "bc", "", "d"));
  EXPECT_THAT(ReadAll("a\n"), ElementsAre("a"));
}

TEST(LineReader, ALineThatIsTooLongIsRefusedByNumber) {
  EXPECT_THAT(ReadAll("12345\n123456\n", 5), ElementsAre("12345", "error in 2"));
  EXPECT_THAT(ReadAll("a\n" + std::string(50, 'x'), 5), ElementsAre("a", "error in 2"));
}

TEST(LineReader, AQuietPipeIsToldFromItsEnd) {
  Pipe pipe;
  LineReader reader(pipe.reading(), 100);
  std::string_view line;
  EXPECT_EQ(*reader.Next(0, &line), Event::kQuiet);
  pipe.Write("a\nb");
  EXPECT_EQ(*reader.Next(0, &line), Event::kLine);
  EXPECT_EQ(line, "a");
  EXPECT_EQ(*reader.Next(0, &line), Event::kQuiet);
  pipe.Write("c\n");
  EXPECT_EQ(*reader.Next(0, &line), Event::kLine);
  EXPECT_EQ(line, "bc");
  pipe.Close();
  EXPECT_EQ(*reader.Next(-1, &line), Event::kEnd);
  EXPECT_EQ(reader.line_number(), 2u);
}

}  // namespace
}  // namespace freshet::cli
