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

void LeaveAll(RequestGate& gate) {
  while (gate.in_flight() > 0) gate.Leave();
}

TEST(RequestGate, ABurstMayFillIt) {
  RequestGate gate(kBounds);
  gate.CountAnswered(milliseconds(1));
  for (size_t i = 0; i < kInFlightMax; ++i) EXPECT_TRUE(gate.Enter(kStart));
  // And so may callers who ask again and again, however long.
  gate.Leave();
  EXPECT_TRUE(gate.Enter(kStart + std::chrono::hours(1)));
  EXPECT_EQ(gate.refused(), 0u);
}

TEST(RequestGate, WhileTooManyComeOnlyWhatIsAnsweredSoonIsLetIn) {
  RequestGate gate(kBounds);
  gate.CountAnswered(milliseconds(1));
  EXPECT_EQ(Fill(gate, kStart), kInFlightMax);
  gate.Leave();
  EXPECT_FALSE(gate.Enter(kStart));
  LeaveAll(gate);
  // Two threads answer ten in 5 ms; each has one at hand and one to go on with.
  EXPECT_EQ(Fill(gate, kStart + milliseconds(99)), 14u);
  LeaveAll(gate);
  EXPECT_EQ(Fill(gate, kStart + milliseconds(198)), 14u);
  LeaveAll(gate);
  EXPECT_EQ(Fill(gate, kStart + milliseconds(298)), kInFlightMax);
}

TEST(RequestGate, SlowRequestsLeaveNoThreadIdle) {
  RequestGate gate(kBounds);
  gate.CountAnswered(milliseconds(50));
  Fill(gate, kStart);
  LeaveAll(gate);
  EXPECT_EQ(Fill(gate, kStart), 2 * kThreads);
}

TEST(RequestGate, FastRequestsKeepTheBoundOfABurst) {
  RequestGate gate(kBounds);
  gate.CountAnswered(microseconds(20));
  Fill(gate, kStart);
  LeaveAll(gate);
  EXPECT_EQ(Fill(gate, kStart), kInFlightMax);
}

TEST(RequestGate, WithoutABoundOnTheWaitOnlyTheNumberCounts) {
  RequestGate gate({.in_flight_max = 3});
  gate.CountAnswered(milliseconds(50));
  EXPECT_EQ(Fill(gate, kStart), 3u);
  gate.Leave();
  EXPECT_TRUE(gate.Enter(kStart + milliseconds(1)));
  EXPECT_FALSE(gate.Enter(kStart + milliseconds(1)));
}

}  // namespace
}  // namespace freshet
