#include <gtest/gtest.h>

#include "yaml/document.h"

namespace freshet::yaml {
namespace {

Node ParseText(std::string_view text, Diagnostics* diagnostics) {
  std::optional<Node> node = Node::Parse("a.yaml", text, diagnostics);
  EXPECT_TRUE(node.has_value()) << diagnostics->ToString();
  return node.value_or(Node());
}

TEST(MapReaderTest, HandsOutWhatIsThere) {
  Diagnostics diagnostics;
  MapReader reader(ParseText("a: 1\nb: 2\n", &diagnostics), "the file");
  ASSERT_TRUE(reader.Required("a").has_value());
  EXPECT_EQ(reader.Optional("b")->AsInt("b"), 2);
  EXPECT_FALSE(reader.Optional("c").has_value());
  reader.Done();
  EXPECT_TRUE(diagnostics.empty()) << diagnostics.ToString();
}

TEST(MapReaderTest, ReportsWhatIsMissing) {
  Diagnostics diagnostics;
  MapReader reader(ParseText("a: 1\n", &diagnostics), "the file");
  EXPECT_FALSE(reader.Required("b").has_value());
  EXPECT_EQ(diagnostics.ToString(), "a.yaml:1:1: the file needs the key 'b'");
}

TEST(MapReaderTest, ReportsUnknownKeysWithTheNearestKnownOne) {
  Diagnostics diagnostics;
  MapReader reader(ParseText("adress: 1\nzzz: 2\n", &diagnostics), "the file");
  reader.Optional("address");
  reader.Optional("port");
  reader.Done();
  EXPECT_EQ(diagnostics.ToString(),
            "a.yaml:1:1: unknown key 'adress' in the file; did you mean 'address'?\n"
            "a.yaml:2:1: unknown key 'zzz' in the file; known are address, port");
}

TEST(MapReaderTest, WhatIsNoMapIsReportedOnce) {
  Diagnostics diagnostics;
  Node list = ParseText("[a]\n", &diagnostics);
  MapReader reader(list, "the file");
  EXPECT_FALSE(reader.Required("a").has_value());
  reader.Done();
  EXPECT_EQ(diagnostics.ToString(),
            "a.yaml:1:1: the file must be a map of keys and values, not a list");
}

TEST(MapReaderTest, AKeyMustBeAText) {
  Diagnostics diagnostics;
  MapReader reader(ParseText("[a]: 1\n? {b: c}\n: 2\n", &diagnostics), "the file");
  reader.Done();
  EXPECT_EQ(diagnostics.Sorted().size(), 2u) << diagnostics.ToString();
}

}  // namespace
}  // namespace freshet::yaml
