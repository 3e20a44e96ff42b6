#include "freshet/request_gate.h"

#include <gtest/gtest.h>

namespace freshet {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using Time = RequestGate::Clock::time_point;

constexpr size_t kInFlightMax = 64;
constexpr size_t kThreads = 2;
constexpr RequestBounds kBounds = {kInFlightMax, kThreads, milliseconds(100), milliseconds(5)};

const Time kStart = Time() + std::chrono::hours(1);

// Lets requests in until one is refused.
size_t Fill(RequestGate& gate, Time now) {
  size_t entered = 0;
  while (gate.Enter(now)) ++entered;
  return entered;
}

TEST(RequestGate, ABurstMayFillIt) {
  RequestGate gate(kBounds);
  gate.CountAnswered(milliseconds(1));
  EXPECT_EQ(Fill(gate, kStart), kInFlightMax);
  EXPECT_EQ(gate.refused(), 1u);
  // Also a little later, as long as it goes on falling to nothing now and then.
  for (size_t i = 0; i < kInFlightMax; ++i) gate.Leave();
  EXPECT_EQ(Fill(gate, kStart + milliseconds(99)), kInFlightMax);
}

TEST(RequestGate, AQueueThatStandsIsHeldToWhatIsAnsweredSoon) {
  RequestGate gate(kBounds);
  gate.CountAnswered(milliseconds(1));
  Fill(gate, kStart);
  const Time later = kStart + milliseconds(100);
  gate.Leave();
  EXPECT_FALSE(gate.Enter(later));
  while (gate.in_flight() > kThreads) gate.Leave();
  // Two threads answer ten in 5 ms; each has one at hand and one to go on with.
  EXPECT_EQ(kThreads + Fill(gate, later), 14u);
}

TEST(RequestGate, SlowRequestsLeaveNoThreadIdle) {
  RequestGate gate(kBounds);
  gate.CountAnswered(milliseconds(50));
  Fill(gate, kStart);
  while (gate.in_flight() > kThreads) gate.Leave();
  EXPECT_EQ(kThreads + Fill(gate, kStart + milliseconds(100)), 2 * kThreads);
}

TEST(RequestGate, FastRequestsKeepTheBoundOfABurst) {
  RequestGate gate(kBounds);
  gate.CountAnswered(microseconds(20));
  Fill(gate, kStart);
  while (gate.in_flight() > kThreads) gate.Leave();
  EXPECT_EQ(kThreads + Fill(gate, kStart + milliseconds(100)), kInFlightMax);
}

TEST(RequestGate, AFreeThreadEndsIt) {
  RequestGate gate(kBounds);
  gate.CountAnswered(milliseconds(1));
  Fill(gate, kStart);
  while (gate.in_flight() > 0) gate.Leave();
  EXPECT_EQ(Fill(gate, kStart + milliseconds(500)), kInFlightMax);
}

TEST(RequestGate, WithoutABoundOnTheWaitOnlyTheNumberCounts) {
  RequestGate gate({.in_flight_max = 3});
  gate.CountAnswered(milliseconds(50));
  EXPECT_EQ(Fill(gate, kStart), 3u);
  gate.Leave();
  EXPECT_TRUE(gate.Enter(kStart + milliseconds(500)));
  EXPECT_FALSE(gate.Enter(kStart + milliseconds(500)));
}

}  // namespace
}  // namespace freshet
