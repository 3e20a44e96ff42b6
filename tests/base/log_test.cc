#include "base/log.h"

#include <gtest/gtest.h>

namespace freshet {
namespace {

TEST(LogLimiter, LetsOneThroughPerIntervalAndCountsTheRest) {
  LogLimiter limiter(1'000);
  uint64_t suppressed = 99;
  EXPECT_TRUE(limiter.Admit(5'000, &suppressed));
  EXPECT_EQ(suppressed, 0u);
  EXPECT_FALSE(limiter.Admit(5'001, &suppressed));
  EXPECT_FALSE(limiter.Admit(5'999, &suppressed));
  EXPECT_TRUE(limiter.Admit(6'000, &suppressed));
  EXPECT_EQ(suppressed, 2u);
}

TEST(Log, JsonLinesStayParseable) {
  ConfigureLog(LogLevel::kInfo, LogFormat::kJson);
  ::testing::internal::CaptureStderr();
  LogInfo("a \"quoted\" {} and\na newline", "text");
  LogDebug("below the level");
  std::string line = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(line.find(R"("level":"info","message":"a \"quoted\" text and\u000aa newline"})"),
            std::string::npos)
      << line;
  EXPECT_EQ(line.find("below"), std::string::npos);
}

TEST(Log, LevelsHaveNames) {
  LogLevel level{};
  EXPECT_TRUE(ParseLogLevel("warning", &level));
  EXPECT_EQ(level, LogLevel::kWarning);
  EXPECT_FALSE(ParseLogLevel("warn", &level));
}

}  // namespace
}  // namespace freshet
