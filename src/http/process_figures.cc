#include "http/process_figures.h"

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>
#include <unistd.h>

#include <sys/resource.h>

namespace freshet::http {
namespace {

// The fields of /proc/self/stat, numbered from 3 after the parenthesis that ends the name: see
// proc(5).
constexpr int kUserTicks = 14;
constexpr int kSystemTicks = 15;
constexpr int kThreads = 20;
constexpr int kStartTicks = 22;
constexpr int kVirtualBytes = 23;
constexpr int kResidentPages = 24;

double SecondsOf(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

bool ReadStat(ProcessFigures* figures) {
  std::ifstream file("/proc/self/stat");
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return false;
  std::istringstream fields(text.substr(name_end + 1));
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  std::string field;
  for (int number = 3; number <= kResidentPages && fields >> field; ++number) {
    if (number < kUserTicks) continue;
    const auto value = std::strtoull(field.c_str(), nullptr, 10);
    const double seconds = static_cast<double>(value) / ticks_per_second;
    if (number == kUserTicks || number == kSystemTicks) figures->cpu_seconds += seconds;
    if (number == kThreads) figures->threads = value;
    // It is told in time since the boot.
    if (number == kStartTicks)
      figures->started_at_seconds = SecondsOf(CLOCK_REALTIME) - SecondsOf(CLOCK_BOOTTIME) + seconds;
    if (number == kVirtualBytes) figures->virtual_bytes = value;
    if (number == kResidentPages)
      figures->resident_bytes = value * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  }
  return figures->resident_bytes > 0;
}

uint64_t CountOpenFiles() {
  std::error_code error;
  uint64_t count = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
       !error && entry != end; entry.increment(error))
    ++count;
  // One of them is the folder itself.
  return count > 0 ? count - 1 : 0;
}

}  // namespace

std::optional<ProcessFigures> ReadProcessFigures() {
  ProcessFigures figures;
  if (!ReadStat(&figures)) return std::nullopt;
  figures.open_files = CountOpenFiles();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) figures.open_files_max = limit.rlim_cur;
  return figures;
}

}  // namespace freshet::http
