// What the table of cases cannot say: types, used variables, limits, scratch memory, threads.
#include "expr/program.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "expr/numbers.h"
#include "expr/scratch.h"

namespace freshet::expr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<Variable> kVariables = {{"flag", Type::kBool},     {"small", Type::kInt32},
                                          {"count", Type::kInt64},   {"ratio", Type::kFloat},
                                          {"amount", Type::kDouble}, {"kind", Type::kString},
                                          {"at", Type::kTimestamp}};

std::shared_ptr<const Program> MustCompile(std::string_view text) {
  CompileError error;
  std::shared_ptr<const Program> program = Program::Compile(text, kVariables, &error);
  EXPECT_NE(program, nullptr) << text << ": " << error.message;
  return program;
}

CompileError MustNotCompile(std::string_view text) {
  CompileError error;
  EXPECT_EQ(Program::Compile(text, kVariables, &error), nullptr);
  return error;
}

std::string Repeat(std::string_view part, size_t times) {
  std::string whole;
  for (size_t i = 0; i < times; ++i) whole += part;
  return whole;
}

TEST(Program, TypesAreThoseOfFeatures) {
  EXPECT_EQ(MustCompile("flag")->type(), Type::kBool);
  EXPECT_EQ(MustCompile("small")->type(), Type::kInt64);
  EXPECT_EQ(MustCompile("count + small")->type(), Type::kInt64);
  EXPECT_EQ(MustCompile("ratio")->type(), Type::kDouble);
  EXPECT_EQ(MustCompile("amount * count")->type(), Type::kDouble);
  EXPECT_EQ(MustCompile("flag ? count : null")->type(), Type::kInt64);
  EXPECT_EQ(MustCompile("flag ? null : kind")->type(), Type::kString);
  EXPECT_EQ(MustCompile("has(at)")->type(), Type::kBool);
}

TEST(Program, NamesItsVariablesOnceAndInOrder) {
  EXPECT_THAT(MustCompile("1 + 2")->used_variables(), IsEmpty());
  EXPECT_THAT(
      MustCompile("kind == 'a' || has(at) || kind in ['b', string(count)]")->used_variables(),
      ElementsAre(2, 5, 6));
  EXPECT_THAT(MustCompile("flag ? amount : amount + ratio")->used_variables(),
              ElementsAre(0, 3, 4));
}

TEST(Program, DoesNotLookAtVariablesThatItDoesNotUse) {
  std::shared_ptr<const Program> program = MustCompile("count + 1");
  std::vector<Datum> values(kVariables.size(), Datum::String("of no fitting type"));
  values[2] = Datum::Int(41);
  Scratch scratch;
  Evaluation evaluation = program->Evaluate(values, scratch);
  ASSERT_EQ(evaluation.error, nullptr);
  EXPECT_EQ(evaluation.value, Datum::Int(42));
}

TEST(ProgramDeathTest, RefusesValuesOfAnotherType) {
  std::shared_ptr<const Program> program = MustCompile("kind");
  std::vector<Datum> values(kVariables.size(), Datum::Int(1));
  Scratch scratch;
  EXPECT_DEATH(program->Evaluate(values, scratch), "");
  EXPECT_DEATH(program->Evaluate({}, scratch), "");
}

TEST(Program, OutlivesItsText) {
  std::string text = "kind + 'suffix' + \"é\"";
  std::shared_ptr<const Program> program = MustCompile(text);
  text.assign(text.size(), '#');
  std::vector<Datum> values(kVariables.size());
  values[5] = Datum::String("a");
  Scratch scratch;
  EXPECT_EQ(program->Evaluate(values, scratch).value, Datum::String("asuffixé"));
}

TEST(Program, LimitsTheLength) {
  std::string longest = "1" + std::string(limits::kExpressionBytesMax - 1, ' ');
  MustCompile(longest);
  EXPECT_THAT(MustNotCompile(longest + " ").message, HasSubstr("longer than 4096 bytes"));
}

TEST(Program, LimitsTheDepth) {
  size_t most = limits::kExpressionDepthMax - 1;
  MustCompile(Repeat("(", most) + "1" + Repeat(")", most));
  CompileError error = MustNotCompile(Repeat("(", most + 1) + "1" + Repeat(")", most + 1));
  EXPECT_THAT(error.message, HasSubstr("nested more than 64 levels deep"));
  EXPECT_EQ(error.offset, most + 1);
  MustCompile(Repeat("true?1:", most) + "2");
  MustNotCompile(Repeat("true?1:", most + 1) + "2");
  MustNotCompile(Repeat("(", limits::kExpressionBytesMax));
  MustNotCompile(Repeat("int(", 1000) + "1" + Repeat(")", 1000));
}

TEST(Program, LimitsTheSize) {
  // n operands and n - 1 operators; chains do not nest.
  MustCompile(Repeat("1+", limits::kExpressionNodesMax / 2 - 1) + "1");
  EXPECT_THAT(MustNotCompile(Repeat("1+", limits::kExpressionNodesMax / 2) + "1").message,
              HasSubstr("more than 1024 operands and operators"));
  MustCompile(Repeat("!", limits::kExpressionNodesMax - 1) + "true");
  MustNotCompile(Repeat("!", limits::kExpressionNodesMax) + "true");
  MustCompile("count in [" + Repeat("1,", 1000) + "1]");
}

TEST(Program, EvaluatesTheLargestChains) {
  Scratch scratch;
  std::vector<Datum> values(kVariables.size());
  std::string sum = Repeat("1+", limits::kExpressionNodesMax / 2 - 1) + "1";
  EXPECT_EQ(MustCompile(sum)->Evaluate(values, scratch).value, Datum::Int(512));
  std::string nots = Repeat("!", limits::kExpressionNodesMax - 1) + "true";
  EXPECT_EQ(MustCompile(nots)->Evaluate(values, scratch).value, Datum::Bool(false));
}

TEST(Program, SuggestsNothingForNamesThatNothingCanHave) {
  CompileError error = MustNotCompile(std::string(limits::kNameBytesMax + 1, 'x'));
  EXPECT_EQ(error.message, "no name is as long as this");
}

TEST(Program, RefusesWhatIsNotUtf8) {
  CompileError error = MustNotCompile("kind == '\xff'");
  EXPECT_EQ(error.offset, 9u);
  EXPECT_THAT(error.message, HasSubstr("not UTF-8"));
  for (std::string_view bad :
       {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82"}) {
    EXPECT_EQ(FirstInvalidUtf8(bad), 0u);
  }
  EXPECT_EQ(FirstInvalidUtf8("aé€😀\xf4\x8f\xbf\xbf"), std::string_view::npos);
}

TEST(Program, TakesNewlinesWhereCelDoes) {
  Scratch scratch;
  std::vector<Datum> values(kVariables.size());
  EXPECT_EQ(MustCompile("1 // one\n\t+ // and\r\n 2 //")->Evaluate(values, scratch).value,
            Datum::Int(3));
  EXPECT_EQ(MustCompile("'''a\nb'''")->Evaluate(values, scratch).value, Datum::String("a\nb"));
  EXPECT_EQ(MustCompile("r\"\"\"a\nb\"\"\"")->Evaluate(values, scratch).value,
            Datum::String("a\nb"));
  EXPECT_THAT(MustNotCompile("'a\nb'").message, HasSubstr("lacks its closing"));
  EXPECT_THAT(MustNotCompile("\"a\rb\"").message, HasSubstr("lacks its closing"));
}

TEST(Program, KeepsZeroBytesOfStrings) {
  Scratch scratch;
  std::vector<Datum> values(kVariables.size());
  Datum value = MustCompile(R"('a\x00b' + '\000')")->Evaluate(values, scratch).value;
  EXPECT_EQ(value, Datum::String(std::string_view("a\0b\0", 4)));
}

TEST(Program, LimitsTheStringsThatAnEvaluationBuilds) {
  std::vector<Datum> values(kVariables.size());
  std::string half(limits::kExpressionStringBytesMax / 2, 'x');
  values[5] = Datum::String(half);
  Scratch scratch;
  Evaluation two = MustCompile("kind + kind")->Evaluate(values, scratch);
  ASSERT_EQ(two.error, nullptr);
  EXPECT_EQ(two.value.as_string().size(), limits::kExpressionStringBytesMax);
  EXPECT_STREQ(MustCompile("kind + kind + 'x'")->Evaluate(values, scratch).error,
               "string too long");
  // An error like any other.
  std::shared_ptr<const Program> absorbed = MustCompile("(kind + kind + 'x').size() > 0 || true");
  EXPECT_EQ(absorbed->Evaluate(values, scratch).value, Datum::Bool(true));
}

// The answer may not depend on what the scratch was used for before.
TEST(Program, AnswersAlikeWithFreshAndUsedScratch) {
  std::vector<Datum> values(kVariables.size());
  std::string kind(100'000, 'k');
  values[5] = Datum::String(kind);
  std::shared_ptr<const Program> many = MustCompile(Repeat("kind+", 9) + "kind == '' ? 1 : 2");
  std::shared_ptr<const Program> too_many = MustCompile(Repeat("kind+", 10) + "kind == '' ? 1 : 2");
  Scratch used;
  for (int i = 0; i < 3; ++i) {
    Scratch fresh;
    for (Scratch* scratch : {&fresh, &used}) {
      EXPECT_EQ(many->Evaluate(values, *scratch).value, Datum::Int(2));
      EXPECT_STREQ(too_many->Evaluate(values, *scratch).error, "string too long");
    }
  }
}

TEST(Scratch, KeepsEarlierStringsInPlace) {
  Scratch::Rep scratch;
  std::vector<std::pair<std::string_view, std::string>> built;
  std::string_view last;
  for (int i = 0; i < 2'000; ++i) {
    std::string part(static_cast<size_t>(i % 37), static_cast<char>('a' + i % 26));
    std::optional<std::string_view> next =
        i % 5 == 0 ? scratch.Copy(part) : scratch.Concatenate(last.substr(0, 200), part);
    ASSERT_TRUE(next.has_value());
    std::string expected = i % 5 == 0 ? part : std::string(last.substr(0, 200)) + part;
    built.emplace_back(*next, expected);
    last = *next;
  }
  for (const auto& [view, expected] : built) EXPECT_EQ(view, expected);
}

// Days and years as the standard library counts them.
TEST(Program, PartsOfAMomentAreThoseOfTheCalendar) {
  using std::chrono::days;
  const std::vector<Variable> variables = {{"t", Type::kInt64}};
  const auto part = [&](const char* function, int64_t time_ms) {
    CompileError error;
    const auto program =
        Program::Compile(std::string("t.") + function + "('UTC')", variables, &error);
    Scratch scratch;
    const Datum moment = Datum::Int(time_ms);
    return program->Evaluate({&moment, 1}, scratch).value.as_int();
  };
  uint64_t bits = 0x9E3779B97F4A7C15;
  for (int i = 0; i < 500; ++i) {
    bits = bits * 6364136223846793005 + 1442695040888963407;
    constexpr int64_t first_ms = -62'135'596'800'000;
    constexpr int64_t last_ms = 253'402'300'799'999;
    const int64_t time_ms =
        first_ms + static_cast<int64_t>((bits >> 1) % static_cast<uint64_t>(last_ms - first_ms));
    const std::chrono::sys_time<std::chrono::milliseconds> moment{
        std::chrono::milliseconds(time_ms)};
    const auto day = std::chrono::floor<days>(moment);
    const std::chrono::year_month_day date(day);
    const std::chrono::sys_days new_year(date.year() / 1 / 1);
    const std::chrono::hh_mm_ss time(moment - day);
    EXPECT_EQ(part("getFullYear", time_ms), static_cast<int>(date.year()));
    EXPECT_EQ(part("getMonth", time_ms), static_cast<unsigned>(date.month()) - 1);
    EXPECT_EQ(part("getDate", time_ms), static_cast<unsigned>(date.day()));
    EXPECT_EQ(part("getDayOfMonth", time_ms), static_cast<unsigned>(date.day()) - 1);
    EXPECT_EQ(part("getDayOfWeek", time_ms), std::chrono::weekday(day).c_encoding());
    EXPECT_EQ(part("getDayOfYear", time_ms), (day - new_year).count());
    EXPECT_EQ(part("getHours", time_ms), time.hours().count());
    EXPECT_EQ(part("getMinutes", time_ms), time.minutes().count());
    EXPECT_EQ(part("getSeconds", time_ms), time.seconds().count());
    EXPECT_EQ(part("getMilliseconds", time_ms), time.subseconds().count());
  }
}

std::vector<std::string> StepsOf(const char* text, const std::vector<Datum>& values) {
  const std::vector<Variable> variables = {
      {"a", Type::kInt64}, {"b", Type::kInt64}, {"s.t", Type::kString}};
  CompileError error;
  const auto program = Program::Compile(text, variables, &error);
  if (program == nullptr) return {error.message};
  Scratch scratch;
  std::vector<std::string> lines;
  for (const Step& step : program->Explain(values, scratch)) {
    std::string line = std::string(step.depth, '.') + std::string(step.text) + " => ";
    if (!step.is_evaluated)
      line += "not evaluated";
    else
      line += step.error != nullptr ? step.error : ToString(ToDatum(step.value));
    lines.push_back(std::move(line));
  }
  return lines;
}

TEST(Program, ExplainsEachPartOfAnEvaluation) {
  using Lines = std::vector<std::string>;
  const std::vector<Datum> values = {Datum::Int(6), Datum::Int(0), Datum::String("xy")};
  EXPECT_EQ(StepsOf("(a + 1) * 2 - -b", values),
            (Lines{"(a + 1) * 2 - -b => 14", ".(a + 1) * 2 => 14", "..a + 1 => 7", "...a => 6",
                   ".-b => 0", "..b => 0"}));
  EXPECT_EQ(StepsOf("b == 0 ? a : a / b", values),
            (Lines{"b == 0 ? a : a / b => 6", ".b == 0 => true", "..b => 0", ".a => 6",
                   ".a / b => not evaluated", "..a => not evaluated", "..b => not evaluated"}));
  EXPECT_EQ(StepsOf("a > 1 || a / b > 1", values),
            (Lines{"a > 1 || a / b > 1 => true", ".a > 1 => true", "..a => 6",
                   ".a / b > 1 => not evaluated", "..a / b => not evaluated",
                   "...a => not evaluated", "...b => not evaluated"}));
  EXPECT_EQ(StepsOf("a / b > 1 && b == 1", values),
            (Lines{"a / b > 1 && b == 1 => false", ".a / b > 1 => division by zero",
                   "..a / b => division by zero", "...a => 6", "...b => 0", ".b == 1 => false",
                   "..b => 0"}));
  EXPECT_EQ(
      StepsOf("has(s.t) && s . t.size() in [a, 2, b + 2]", values),
      (Lines{"has(s.t) && s . t.size() in [a, 2, b + 2] => true", ".has(s.t) => true",
             "..s.t => \"xy\"", ".s . t.size() in [a, 2, b + 2] => true", "..s . t.size() => 2",
             "...s . t => \"xy\"", "..a => 6", "..b + 2 => 2", "...b => 0"}));
  EXPECT_EQ(StepsOf("s.t.matches('^x')", values),
            (Lines{"s.t.matches('^x') => true", ".s.t => \"xy\""}));
  EXPECT_EQ(StepsOf("1", values), Lines{});
  EXPECT_EQ(StepsOf("a", {Datum::Null(), Datum::Null(), Datum::Null()}), Lines{"a => null"});
}

TEST(Scratch, CanBeMoved) {
  std::vector<Datum> values(kVariables.size());
  std::shared_ptr<const Program> program = MustCompile("'a' + 'b'");
  Scratch first;
  Datum value = program->Evaluate(values, first).value;
  Scratch second = std::move(first);
  EXPECT_EQ(value, Datum::String("ab"));
  EXPECT_EQ(program->Evaluate(values, second).value, Datum::String("ab"));
}

TEST(Program, IsSharedByThreads) {
  std::shared_ptr<const Program> program =
      MustCompile("kind.matches('^k[0-9]+$') && kind + string(count) == 'k7' + string(count)");
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      Scratch scratch;
      std::vector<Datum> values(kVariables.size());
      for (int i = 0; i < 2'000; ++i) {
        std::string kind = fmt::format("k{}", (i + thread) % 10);
        values[2] = Datum::Int(i);
        values[5] = Datum::String(kind);
        Datum value = program->Evaluate(values, scratch).value;
        wrong += value == Datum::Bool(kind == "k7") ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Numbers, DoublesSurviveTheirText) {
  std::array<char, kNumberTextBytesMax> buffer;
  uint64_t bits = 0x9E3779B97F4A7C15;
  for (int i = 0; i < 100'000; ++i) {
    bits = bits * 6364136223846793005 + 1442695040888963407;
    double value;
    static_assert(sizeof(value) == sizeof(bits));
    std::memcpy(&value, &bits, sizeof(value));
    if (std::isnan(value)) continue;
    EXPECT_EQ(ParseDouble(FormatDouble(value, buffer)), value);
  }
  EXPECT_EQ(ParseDouble(FormatDouble(-INFINITY, buffer)), -INFINITY);
  EXPECT_TRUE(std::isnan(*ParseDouble(FormatDouble(NAN, buffer))));
  EXPECT_EQ(ParseInt(FormatInt(INT64_MIN, buffer)), INT64_MIN);
}

}  // namespace
}  // namespace freshet::expr
