#include "serve/terms.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"

namespace freshet::serve {
namespace {

std::optional<int64_t> TimeoutUs(const Plan& plan, const FeatureRequest& request) {
  std::optional<int64_t> timeout_us = request.timeout_us;
  if (plan.defaults.timeout_ms.has_value()) {
    const int64_t service_us = *plan.defaults.timeout_ms * 1'000;
    timeout_us = std::min(timeout_us.value_or(service_us), service_us);
  }
  return timeout_us;
}

}  // namespace

Result<Terms> MakeTerms(const Plan& plan, const FeatureRequest& request,
                        std::chrono::steady_clock::time_point started_at) {
  Terms terms;
  terms.max_staleness_ms = request.max_staleness_ms.has_value() ? request.max_staleness_ms
                                                                : plan.defaults.max_staleness_ms;
  terms.stale_action =
      request.stale_action.value_or(plan.defaults.stale_action.value_or(StaleAction::kUseDefault));
  const std::optional<int64_t> timeout_us = TimeoutUs(plan, request);
  if (!timeout_us.has_value()) return terms;
  if (*timeout_us > limits::kTimeoutMsMax * 1'000) return terms;
  if (*timeout_us <= 0) {
    return Status::DeadlineExceeded("the deadline had come before the request was looked at");
  }
  const int64_t margin_us = std::min(*timeout_us / 10, limits::kAnswerMarginUsMax);
  terms.deadline = started_at + std::chrono::microseconds(*timeout_us - margin_us);
  terms.wait_deadline = started_at + std::chrono::microseconds(*timeout_us / 5 * 4);
  return terms;
}

}  // namespace freshet::serve
