#include "base/log.h"

#include <memory>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace freshet {
namespace {

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

// Which format messages are written in: JSON needs its text escaped, and spdlog's patterns cannot.
std::atomic<LogFormat> active_format{LogFormat::kText};

spdlog::logger& Logger() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made = std::make_shared<spdlog::logger>("freshet",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v", spdlog::pattern_time_type::utc);
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *logger;
}

std::string EscapeJson(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size() + 8);
  for (char c : text) {
    if (c == '"' || c == '\\') {
      escaped.push_back('\\');
      escaped.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      escaped += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      escaped.push_back(c);
    }
  }
  return escaped;
}

}  // namespace

bool ParseLogLevel(std::string_view word, LogLevel* level) {
  if (word == "debug") return *level = LogLevel::kDebug, true;
  if (word == "info") return *level = LogLevel::kInfo, true;
  if (word == "warning") return *level = LogLevel::kWarning, true;
  if (word == "error") return *level = LogLevel::kError, true;
  if (word == "off") return *level = LogLevel::kOff, true;
  return false;
}

void ConfigureLog(LogLevel level, LogFormat format) {
  active_format.store(format);
  if (format == LogFormat::kJson) {
    Logger().set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":"%v"})",
                         spdlog::pattern_time_type::utc);
  }
  Logger().set_level(ToSpdlog(level));
}

bool LogEnabled(LogLevel level) {
  return Logger().should_log(ToSpdlog(level));
}

void WriteLog(LogLevel level, std::string_view message) {
  if (active_format.load(std::memory_order_relaxed) == LogFormat::kJson) {
    Logger().log(ToSpdlog(level), EscapeJson(message));
  } else {
    Logger().log(ToSpdlog(level), message);
  }
}

bool LogLimiter::Admit(int64_t now_ms, uint64_t* suppressed) {
  int64_t next_ms = next_ms_.load(std::memory_order_relaxed);
  if (now_ms < next_ms || !next_ms_.compare_exchange_strong(next_ms, now_ms + interval_ms_)) {
    suppressed_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  *suppressed = suppressed_.exchange(0, std::memory_order_relaxed);
  return true;
}

}  // namespace freshet
