#include "yaml/document.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"

namespace freshet::yaml {
namespace {

using ::testing::HasSubstr;

// Parses what must parse.
Node ParseText(std::string_view text, Diagnostics* diagnostics) {
  std::optional<Node> node = Node::Parse("a.yaml", text, diagnostics);
  EXPECT_TRUE(node.has_value()) << diagnostics->ToString();
  return node.value_or(Node());
}

// The value of the first key.
Node ValueOf(std::string_view text, Diagnostics* diagnostics) {
  return ParseText(text, diagnostics).AsMap("the file").at(0).second;
}

// What is reported of a text that does not parse.
std::string SyntaxErrors(std::string_view text) {
  Diagnostics diagnostics;
  EXPECT_FALSE(Node::Parse("a.yaml", text, &diagnostics).has_value());
  return diagnostics.ToString();
}

TEST(DocumentTest, KnowsKindsAndPlaces) {
  Diagnostics diagnostics;
  Node root = ParseText("a: [1, {b: c}]\nd:\n  e: 'x'\nf:\n", &diagnostics);
  ASSERT_TRUE(root.is_map());
  auto entries = root.AsMap("the file");
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_TRUE(entries[0].second.is_list());
  EXPECT_TRUE(entries[1].second.is_map());
  EXPECT_TRUE(entries[2].second.is_null());
  EXPECT_EQ(entries[0].first.kind_name(), "a text");
  EXPECT_EQ(entries[2].second.kind_name(), "nothing");

  Node inner = entries[0].second.AsList("a").at(1);
  EXPECT_EQ(inner.mark().line, 1);
  EXPECT_EQ(inner.mark().column, 8);
  Node quoted = entries[1].second.AsMap("d").at(0).second;
  EXPECT_EQ(quoted.mark().line, 3);
  EXPECT_EQ(quoted.mark().column, 6);
  EXPECT_TRUE(quoted.is_quoted());
  EXPECT_FALSE(entries[0].first.is_quoted());
  EXPECT_TRUE(diagnostics.empty());
}

TEST(DocumentTest, NodesKeepTheirDocumentAlive) {
  Diagnostics diagnostics;
  Node value;
  { value = ValueOf("a: [x]", &diagnostics).AsList("a").at(0); }
  EXPECT_EQ(value.AsString("a"), "x");
}

TEST(DocumentTest, AnEmptyFileIsAnEmptyMap) {
  for (const char* text : {"", "\n", "# only a comment\n", "---\n", "\xEF\xBB\xBF"}) {
    Diagnostics diagnostics;
    Node root = ParseText(text, &diagnostics);
    EXPECT_TRUE(root.is_map()) << text;
    EXPECT_TRUE(root.AsMap("the file").empty());
    EXPECT_TRUE(diagnostics.empty()) << diagnostics.ToString();
  }
}

TEST(DocumentTest, ColumnsCountCharacters) {
  Diagnostics diagnostics;
  Node list = ValueOf("a: [ü€, b]", &diagnostics);
  EXPECT_EQ(list.AsList("a").at(1).mark().column, 9);
}

TEST(DocumentTest, AByteOrderMarkTakesNoColumn) {
  Diagnostics diagnostics;
  ValueOf(
      "\xEF\xBB\xBF"
      "a: b",
      &diagnostics)
      .Report("x");
  EXPECT_EQ(diagnostics.ToString(), "a.yaml:1:4: x");
}

TEST(DocumentTest, LinesMayEndInCarriageReturns) {
  Diagnostics diagnostics;
  auto entries = ParseText("a: b\r\nc: d\r\n", &diagnostics).AsMap("the file");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].second.AsString("a"), "b");
  EXPECT_EQ(entries[1].second.mark().line, 2);
}

TEST(DocumentTest, PlacesInsideAScalarAreExactWhereTheyCanBe) {
  struct Case {
    const char* text;
    size_t offset;
    int line;
    int column;
  };
  for (const Case& each : {Case{"a: x == yy", 5, 1, 9}, Case{"a: 'x == yy'", 5, 1, 10},
                           Case{"a: \"x == yy\"", 5, 1, 10}, Case{"a: 'ü == yy'", 6, 1, 10},
                           // Escapes, several lines and blocks: the beginning.
                           Case{"a: 'it''s y'", 5, 1, 4}, Case{"a: \"x\\u0020= yy\"", 5, 1, 4},
                           Case{"a: x ==\n  yy", 5, 1, 4}, Case{"a: |\n  x == yy\n", 5, 1, 4}}) {
    Diagnostics diagnostics;
    Mark mark = ValueOf(each.text, &diagnostics).MarkAt(each.offset);
    EXPECT_EQ(mark.line, each.line) << each.text;
    EXPECT_EQ(mark.column, each.column) << each.text;
  }
}

TEST(DocumentTest, SyntaxErrorsSayWhereAndWhatToDo) {
  EXPECT_THAT(SyntaxErrors("a: [1, 2\nb: 3\n"), HasSubstr("a.yaml:2:"));
  EXPECT_THAT(SyntaxErrors("a: b: c\n"), HasSubstr("a.yaml:1:5: not valid YAML"));
  EXPECT_THAT(SyntaxErrors("a: b: c\n"), HasSubstr("in quotes"));
  EXPECT_THAT(SyntaxErrors("a:\n\tb: c\n"), HasSubstr("a.yaml:2:"));
  EXPECT_THAT(SyntaxErrors("a: *missing\n"), HasSubstr("a.yaml:1:"));
  EXPECT_THAT(SyntaxErrors("a: 'open\n"), HasSubstr("a.yaml:1:4: not valid YAML"));
  EXPECT_THAT(SyntaxErrors("a: \"b\\\"\n"), HasSubstr("a.yaml:1:4: not valid YAML"));
}

TEST(DocumentTest, IsStrictAboutWhatAFileMayHold) {
  EXPECT_THAT(SyntaxErrors("a: 1\n---\nb: 2\n"), HasSubstr("second document"));
  EXPECT_THAT(SyntaxErrors("a: !!str 1\n"), HasSubstr("a.yaml:1:4: the tag"));
  EXPECT_THAT(SyntaxErrors("a: b\nc: \xff\n"), HasSubstr("a.yaml:2:4: not valid UTF-8"));
  EXPECT_THAT(SyntaxErrors("a: \xed\xa0\x80\n"), HasSubstr("not valid UTF-8"));
  EXPECT_THAT(SyntaxErrors("a: \xc0\xaf\n"), HasSubstr("not valid UTF-8"));
  EXPECT_THAT(SyntaxErrors("a: \x04\n"), HasSubstr("a.yaml:1:4: a control character"));
  EXPECT_THAT(SyntaxErrors(std::string_view("a: \0b\n", 6)), HasSubstr("control character"));
}

TEST(DocumentTest, DepthIsBounded) {
  std::string fits(limits::kYamlDepthMax, '[');
  fits += std::string(limits::kYamlDepthMax, ']');
  Diagnostics diagnostics;
  ParseText(fits, &diagnostics);
  EXPECT_TRUE(diagnostics.empty());
  EXPECT_THAT(SyntaxErrors("[" + fits + "]"), HasSubstr("nested more than 32 levels deep"));
  EXPECT_THAT(SyntaxErrors(std::string(100'000, '[')), HasSubstr("a.yaml:"));
}

TEST(DocumentTest, AliasesReadAsWhatTheyName) {
  Diagnostics diagnostics;
  auto entries = ParseText("a: &w [1m, 10m]\nb: *w\n", &diagnostics).AsMap("the file");
  EXPECT_EQ(entries[1].second.AsList("b").at(1).AsString("b"), "10m");
  EXPECT_TRUE(diagnostics.empty());
}

TEST(DocumentTest, AliasesCannotExplode) {
  EXPECT_THAT(SyntaxErrors("a: &x [*x]\n"), HasSubstr("stands inside what it names"));
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 8; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += "*a" + std::to_string(i - 1) + ", ";
    bomb += "]\n";
  }
  EXPECT_THAT(SyntaxErrors(bomb), HasSubstr("more than 1000000 values"));
}

TEST(DocumentTest, ADuplicateKeyIsReportedAndTheFirstStays) {
  Diagnostics diagnostics;
  auto entries = ParseText("a: 1\nb: 2\na: 3\n", &diagnostics).AsMap("the file");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(diagnostics.ToString(),
            "a.yaml:3:1: the key 'a' stands twice in the file; the first is in line 1");
}

TEST(DocumentTest, ScalarsReadAsTheirTypes) {
  Diagnostics diagnostics;
  EXPECT_EQ(ValueOf("a: -12", &diagnostics).AsInt("a"), -12);
  EXPECT_EQ(ValueOf("a: 1.5e3", &diagnostics).AsDouble("a"), 1500.0);
  EXPECT_EQ(ValueOf("a: 3", &diagnostics).AsDouble("a"), 3.0);
  EXPECT_EQ(ValueOf("a: true", &diagnostics).AsBool("a"), true);
  EXPECT_EQ(ValueOf("a: 1h30m", &diagnostics).AsDurationMs("a"), 5'400'000);
  EXPECT_EQ(ValueOf("a: '90s'", &diagnostics).AsDurationMs("a"), 90'000);
  EXPECT_EQ(ValueOf("a: 512MB", &diagnostics).AsBytes("a"), 512'000'000);
  EXPECT_EQ(ValueOf("a: 1 GiB", &diagnostics).AsBytes("a"), 1LL << 30);
  EXPECT_EQ(ValueOf("a: 4096", &diagnostics).AsBytes("a"), 4096);
  EXPECT_EQ(ValueOf("a: 'true'", &diagnostics).AsString("a"), "true");
  EXPECT_EQ(ValueOf("a: ''", &diagnostics).AsString("a"), "");
  EXPECT_TRUE(diagnostics.empty()) << diagnostics.ToString();
}

TEST(DocumentTest, ScalarsOfTheWrongKindAreReported) {
  Diagnostics diagnostics;
  auto entries = ParseText(
                     "a: 1.5\nb: '1'\nc: .nan\nd: yes\ne: 'true'\nf: 10\ng: 5parsecs\nh: [1]\ni:\n"
                     "j: 99999999999TB\nk: 1e999\n",
                     &diagnostics)
                     .AsMap("the file");
  EXPECT_EQ(entries[0].second.AsInt("x"), std::nullopt);
  EXPECT_EQ(entries[1].second.AsInt("x"), std::nullopt);
  EXPECT_EQ(entries[2].second.AsDouble("x"), std::nullopt);
  EXPECT_EQ(entries[3].second.AsBool("x"), std::nullopt);
  EXPECT_EQ(entries[4].second.AsBool("x"), std::nullopt);
  EXPECT_EQ(entries[5].second.AsDurationMs("x"), std::nullopt);
  EXPECT_EQ(entries[6].second.AsBytes("x"), std::nullopt);
  EXPECT_EQ(entries[7].second.AsString("x"), std::nullopt);
  EXPECT_EQ(entries[8].second.AsString("x"), std::nullopt);
  EXPECT_EQ(entries[9].second.AsBytes("x"), std::nullopt);
  EXPECT_EQ(entries[10].second.AsDouble("x"), std::nullopt);
  EXPECT_EQ(diagnostics.Sorted().size(), 11u) << diagnostics.ToString();
  EXPECT_THAT(diagnostics.ToString(), HasSubstr("2:4: x must be a number, not a text; remove"));
  EXPECT_THAT(diagnostics.ToString(), HasSubstr("4:4: x must be true or false, not 'yes'"));
  EXPECT_THAT(diagnostics.ToString(), HasSubstr("6:4: x: '10' is not a duration"));
  EXPECT_THAT(diagnostics.ToString(), HasSubstr("8:4: x must be a single value, not a list"));
  EXPECT_THAT(diagnostics.ToString(), HasSubstr("x has no value"));
}

TEST(DiagnosticsTest, AreSortedAndSaidOnce) {
  Diagnostics diagnostics;
  diagnostics.Add({"b.yaml", 1, 1}, "late");
  diagnostics.Add({"a.yaml", 10, 1}, "tenth");
  diagnostics.Add({"a.yaml", 9, 3}, "ninth");
  diagnostics.Add({"a.yaml", 9, 3}, "ninth");
  diagnostics.Add({"a.yaml", 0, 0}, "whole");
  EXPECT_EQ(diagnostics.size(), 5u);
  EXPECT_EQ(diagnostics.ToString(),
            "a.yaml: whole\na.yaml:9:3: ninth\na.yaml:10:1: tenth\nb.yaml:1:1: late");
}

}  // namespace
}  // namespace freshet::yaml
