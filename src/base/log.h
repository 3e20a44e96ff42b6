// Logging. Freshet's own messages go through spdlog's macros-free API by way of these few
// functions, so that level, format and rate limits are set in one place.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "freshet/status.h"

namespace freshet {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError, kOff };
enum class LogFormat : uint8_t { kText, kJson };

// False when the word is none of debug, info, warning, error, off.
bool ParseLogLevel(std::string_view word, LogLevel* level);

// Messages go to standard error. Call once before other threads log; without a call: info, text.
void ConfigureLog(LogLevel level, LogFormat format);
bool LogEnabled(LogLevel level);
// Any thread. `message` is one line without a newline.
void WriteLog(LogLevel level, std::string_view message);

template <typename... Args>
void LogDebug(fmt::format_string<Args...> format, Args&&... args) {
  if (LogEnabled(LogLevel::kDebug))
    WriteLog(LogLevel::kDebug, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void LogInfo(fmt::format_string<Args...> format, Args&&... args) {
  if (LogEnabled(LogLevel::kInfo))
    WriteLog(LogLevel::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void LogWarning(fmt::format_string<Args...> format, Args&&... args) {
  if (LogEnabled(LogLevel::kWarning))
    WriteLog(LogLevel::kWarning, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void LogError(fmt::format_string<Args...> format, Args&&... args) {
  if (LogEnabled(LogLevel::kError))
    WriteLog(LogLevel::kError, fmt::format(format, std::forward<Args>(args)...));
}

// Lets one message through per interval and counts the ones in between. Any thread.
class LogLimiter {
 public:
  explicit LogLimiter(int64_t interval_ms) : interval_ms_(interval_ms) {}
  // True when a message may be written at `now_ms`; *suppressed is how many were held back since
  // the last one.
  bool Admit(int64_t now_ms, uint64_t* suppressed);

 private:
  const int64_t interval_ms_;
  std::atomic<int64_t> next_ms_{INT64_MIN};
  std::atomic<uint64_t> suppressed_{0};
};

}  // namespace freshet
