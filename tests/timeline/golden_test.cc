// The bytes of timelines, as docs/formats.md describes them. They are on people's disks: a change
// here is a new version of the format, never an edit of the expectation.
#include <gtest/gtest.h>

#include "timeline/support.h"
#include "timeline/timeline.h"

namespace freshet::timeline {
namespace {

std::string Hex(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[static_cast<uint8_t>(c) >> 4];
    hex += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return hex;
}

TEST(GoldenTimeline, FixedSlots) {
  const Schema schema = Make({.windows = {{60'000, 1'000}, {600'000, 10'000}},
                              .head_hop_ms = 1'000,
                              .clock_skew_ms = 0,
                              .aggregations = {CountOfEvents(), Function("sum", Type::kInt64)}});
  std::string bytes;
  ApplyOne(schema, 12'345, Datum::Int(3), bytes);
  ApplyOne(schema, 100'500, Datum::Int(-1), bytes);
  ApplyOne(schema, 100'999, Datum::Int(5), bytes);
  const std::string header =
      "54"
      "01"
      "0000"
      "02000000"           // kind, version, flags, cells
      "878a010000000000"   // newest event time 100999
      "0000000000000080"   // not truncated
      "b0ad010000000000";  // folds at 110000
  const std::string coarse_cell =
      "1027000000000000"
      "3930000000000000"  // from 10000, newest 12345
      "0100000000000000"
      "0300000000000000"
      "0000000000000000";  // count 1, sum 3
  const std::string fine_cell =
      "a086010000000000"
      "878a010000000000"  // from 100000, newest 100999
      "0200000000000000"
      "0400000000000000"
      "0000000000000000";  // count 2, sum 4
  EXPECT_EQ(Hex(bytes), header + coarse_cell + fine_cell);
}

TEST(GoldenTimeline, VariableSlotsAndLifetime) {
  const Schema schema = Make({.head_hop_ms = 1'000,
                              .clock_skew_ms = 2'000,
                              .has_lifetime = true,
                              .aggregations = {Function("min", Type::kString), CountOfEvents(),
                                               Function("max", Type::kString)}});
  std::string bytes;
  ApplyOne(schema, -5'500, Datum::String("ab"), bytes);
  ApplyOne(schema, -400, Datum::String("c"), bytes);
  const std::string header =
      "54"
      "01"
      "0100"
      "01000000"           // kind, version, flags: a lifetime cell; cells
      "70feffffffffffff"   // newest event time -400
      "0000000000000080"   // not truncated
      "0000000000000000";  // folds at 0
  const std::string lifetime_cell =
      "0000000000000080"
      "84eaffffffffffff"  // no start, newest -5500
      "03000000"
      "0100000000000000"
      "06000000"  // end of min, count, end of max
      "016162"
      "016162"
      "2a000000";  // min, max, length
  const std::string cell =
      "18fcffffffffffff"
      "70feffffffffffff"  // from -1000, newest -400
      "02000000"
      "0100000000000000"
      "04000000"  // end of min, count, end of max
      "0163"
      "0163"
      "28000000";  // min, max, length
  EXPECT_EQ(Hex(bytes), header + lifetime_cell + cell);
}

TEST(GoldenTimeline, Truncated) {
  const Schema schema = Make({.windows = {{60'000, 10}},
                              .head_hop_ms = 10,
                              .aggregations = {CountOfEvents()},
                              .cells_max = 1});
  std::string bytes;
  ApplyOne(schema, 12'345, Datum(), bytes);
  ApplyOne(schema, 12'355, Datum(), bytes);
  EXPECT_EQ(Hex(bytes),
            "54"
            "01"
            "0000"
            "01000000"
            "4330000000000000"  // newest event time 12355
            "3e30000000000000"  // truncated before 12350
            "6031000000000000"  // folds at 12640
            "3e30000000000000"
            "4330000000000000"
            "0100000000000000");
}

}  // namespace
}  // namespace freshet::timeline
