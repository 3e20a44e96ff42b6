#include "base/clock.h"

#include <chrono>

namespace freshet {
namespace {

class SystemClock : public Clock {
 public:
  int64_t NowMs() const override {
    auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  }
};

}  // namespace

const Clock& Clock::System() {
  static const SystemClock* clock = new SystemClock();
  return *clock;
}

}  // namespace freshet
