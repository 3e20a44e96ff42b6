#include "cli/table.h"

#include <gtest/gtest.h>

namespace freshet::cli {
namespace {

TEST(Table, AlignsByCharactersNotBytes) {
  Table table({{"name"}, {"count", Align::kRight}, {"note"}});
  table.Add({"caf\u00e9", "7", ""});
  table.Add({"b", "12 345", "x"});
  EXPECT_EQ(table.Render("  "),
            "  name   count  note\n"
            "  caf\u00e9       7\n"
            "  b     12 345  x\n");
}

TEST(Table, TextThatWouldMoveTheCursorIsWrittenOut) {
  EXPECT_EQ(Printable("a\nb\tc\x1b[31m\x7f \u00e9"), "a\\nb\\tc\\x1b[31m\\x7f \u00e9");
}

TEST(Table, NumbersAreGrouped) {
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1'000), "1 000");
  EXPECT_EQ(Grouped(12'345'678), "12 345 678");
}

}  // namespace
}  // namespace freshet::cli
