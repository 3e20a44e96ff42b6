// Runs the cases of conformance.txt and the examples of docs/expressions.md, which are written
// alike; see the head of conformance.txt for the form.
#include <cmath>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/datum.h"
#include "expr/program.h"

namespace freshet::expr {
namespace {

std::string RenderString(std::string_view text) {
  std::string rendered = "\"";
  for (char c : text) {
    if (c == '\n') {
      rendered += "\\n";
    } else if (c == '\t') {
      rendered += "\\t";
    } else if (c == '\\' || c == '"') {
      rendered += '\\';
      rendered += c;
    } else if (static_cast<uint8_t>(c) < 0x20) {
      rendered += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
    } else {
      rendered += c;
    }
  }
  return rendered + "\"";
}

// As fmt does, and never to be taken for an int.
std::string RenderDouble(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  std::string text = fmt::format("{}", value);
  return text.find_first_of(".e") == text.npos ? text + ".0" : text;
}

std::string Render(Type type, const Datum& value) {
  if (type == Type::kDecimal && !value.is_null())
    return fmt::format("{} {}", TypeName(type), FormatDecimal(value.as_int(), type.scale));
  switch (value.kind()) {
    case Datum::Kind::kNull:
      return "null";
    case Datum::Kind::kBool:
      return value.as_bool() ? "true" : "false";
    case Datum::Kind::kInt:
      return fmt::format("{}", value.as_int());
    case Datum::Kind::kDouble:
      return RenderDouble(value.as_double());
    case Datum::Kind::kString:
      return RenderString(value.as_string());
  }
  return "?";
}

Value ParseValue(Type type, const std::string& text) {
  if (text == "null") return std::monostate();
  if (type == Type::kDecimal) return ParseDecimal(text, type.scale).value();
  switch (KindOf(type)) {
    case Datum::Kind::kBool:
      return text == "true";
    case Datum::Kind::kInt:
      return static_cast<int64_t>(std::stoll(text));
    case Datum::Kind::kDouble:
      return std::stod(text);
    default:
      return text.substr(1, text.size() - 2);
  }
}

// The variables in scope and their values.
struct Scope {
  std::vector<Variable> variables;
  std::vector<Value> values;

  // "NAME: TYPE = VALUE"
  bool Declare(const std::string& text) {
    size_t colon = text.find(": ");
    size_t equals = text.find(" = ");
    if (colon == text.npos || equals == text.npos || equals < colon) return false;
    Type type;
    if (!ParseType(text.substr(colon + 2, equals - colon - 2), &type)) return false;
    variables.push_back({text.substr(0, colon), type});
    values.push_back(ParseValue(type, text.substr(equals + 3)));
    return true;
  }
};

std::string Outcome(const Scope& scope, const std::string& expression) {
  CompileError error;
  std::shared_ptr<const Program> program = Program::Compile(expression, scope.variables, &error);
  if (program == nullptr) return fmt::format("compile error: {}: {}", error.offset, error.message);

  std::vector<Datum> values;
  for (const Value& value : scope.values) values.push_back(ToDatum(value));
  Scratch scratch;
  Evaluation evaluation = program->Evaluate(values, scratch);
  if (evaluation.error != nullptr) return fmt::format("error: {}", evaluation.error);
  bool fits = evaluation.value.is_null() || evaluation.value.kind() == KindOf(program->type());
  return fits ? Render(program->type(), evaluation.value)
              : "a value of another type than the program's";
}

// Of a compile error the offset and a part of the message decide.
bool Meets(const std::string& outcome, const std::string& expected) {
  constexpr std::string_view kCompileError = "compile error: ";
  if (!expected.starts_with(kCompileError)) return outcome == expected;
  size_t fragment = expected.find(": ", kCompileError.size()) + 2;
  return outcome.starts_with(expected.substr(0, fragment)) &&
         outcome.find(expected.substr(fragment), fragment) != outcome.npos;
}

// Runs one file and answers how many cases it has.
class Runner {
 public:
  explicit Runner(const char* path) : path_(path) {}

  // `only_blocks`: the lines between ```cel and ``` alone.
  int Run(bool only_blocks) {
    std::ifstream file(path_);
    EXPECT_TRUE(file.good()) << path_;
    bool inside = !only_blocks;
    for (std::string line; std::getline(file, line);) {
      ++line_number_;
      if (only_blocks && line.starts_with("```")) {
        inside = line == "```cel";
      } else if (inside && !line.empty() && line[0] != '#') {
        RunLine(line);
      }
    }
    return cases_;
  }

 private:
  void RunLine(const std::string& line) {
    if (line.starts_with("section ")) {
      scope_ = {};
    } else if (line.starts_with("let ")) {
      if (!scope_.Declare(line.substr(4)))
        ADD_FAILURE_AT(path_, line_number_) << "bad let: " << line;
    } else {
      RunCase(line);
    }
  }

  void RunCase(const std::string& line) {
    size_t arrow = line.rfind(" => ");
    if (arrow == line.npos) {
      ADD_FAILURE_AT(path_, line_number_) << "no ' => ': " << line;
      return;
    }
    ++cases_;
    size_t end = line.find_last_not_of(' ', arrow);
    std::string expression = line.substr(0, end + 1);
    std::string expected = line.substr(line.find_first_not_of(' ', arrow + 4));
    std::string outcome = Outcome(scope_, expression);
    if (!Meets(outcome, expected)) {
      ADD_FAILURE_AT(path_, line_number_)
          << expression << "\n  expected " << expected << "\n  got      " << outcome;
    }
  }

  const char* path_;
  int line_number_ = 0;
  int cases_ = 0;
  Scope scope_;
};

TEST(Conformance, EveryCaseOfTheTable) {
  EXPECT_GE(Runner(FRESHET_EXPRESSION_CASES).Run(false), 400);
}

TEST(Conformance, EveryExampleOfTheDocument) {
  EXPECT_GE(Runner(FRESHET_EXPRESSION_DOCUMENT).Run(true), 30);
}

}  // namespace
}  // namespace freshet::expr
