// Expressions with what they come to, and the values that keys take.
#include <algorithm>
#include <limits>

#include "engine/served_case.h"

namespace freshet::served {
namespace {

using Reads = std::vector<Value>;

bool IsNothing(const Value& value) {
  return value.index() == 0;
}
double NumberOf(const Value& value) {
  const double* number = std::get_if<double>(&value);
  return number != nullptr ? *number : static_cast<double>(std::get<int64_t>(value));
}
int64_t IntegerOf(const Value& value) {
  return std::get<int64_t>(value);
}

}  // namespace

Value ZeroOf(Type type) {
  switch (type) {
    case Type::kBool:
      return false;
    case Type::kFloat:
    case Type::kDouble:
      return 0.0;
    case Type::kString:
    case Type::kBytes:
      return std::string();
    default:
      return int64_t{0};
  }
}

const std::map<std::string, Type>& Inputs() {
  static const std::map<std::string, Type> inputs = {
      {"x", Type::kDouble}, {"least", Type::kInt32}, {"tag", Type::kString}, {"flag", Type::kBool}};
  return inputs;
}

const std::vector<Formula>& Formulas() {
  using Outcome = std::optional<Value>;
  static const std::vector<Formula> formulas = {
      {"$0 + request.x",
       "D",
       {"x"},
       Type::kDouble,
       [](const Reads& reads, const Fields& inputs, int64_t) -> Outcome {
         if (IsNothing(reads[0])) return std::nullopt;
         return NumberOf(reads[0]) + NumberOf(inputs.at("x"));
       }},
      {"has($0) ? $0 : -1.5",
       "D",
       {},
       Type::kDouble,
       [](const Reads& reads, const Fields&, int64_t) -> Outcome {
         return IsNothing(reads[0]) ? Value(-1.5) : reads[0];
       }},
      {"request.x / $0",
       "D",
       {"x"},
       Type::kDouble,
       [](const Reads& reads, const Fields& inputs, int64_t) -> Outcome {
         if (IsNothing(reads[0])) return std::nullopt;
         return NumberOf(inputs.at("x")) / NumberOf(reads[0]);
       }},
      {"$0 * 1000003",
       "I",
       {},
       Type::kInt32,
       [](const Reads& reads, const Fields&, int64_t) -> Outcome {
         if (IsNothing(reads[0])) return std::nullopt;
         const Wide product = static_cast<Wide>(IntegerOf(reads[0])) * 1'000'003;
         if (product < INT32_MIN || product > INT32_MAX) return std::nullopt;
         return static_cast<int64_t>(product);
       }},
      {"$0",
       "I",
       {},
       Type::kDouble,
       [](const Reads& reads, const Fields&, int64_t) -> Outcome {
         return IsNothing(reads[0]) ? Value() : Value(NumberOf(reads[0]));
       }},
      {"has($0) && $0 >= request.least",
       "I",
       {"least"},
       Type::kBool,
       [](const Reads& reads, const Fields& inputs, int64_t) -> Outcome {
         return !IsNothing(reads[0]) && IntegerOf(reads[0]) >= IntegerOf(inputs.at("least"));
       }},
      {"request.flag || 6 / $0 > 1",
       "I",
       {"flag"},
       Type::kBool,
       [](const Reads& reads, const Fields& inputs, int64_t) -> Outcome {
         if (std::get<bool>(inputs.at("flag"))) return true;
         if (IsNothing(reads[0]) || IntegerOf(reads[0]) == 0) return std::nullopt;
         return 6 / IntegerOf(reads[0]) > 1;
       }},
      {"$0 + '/' + request.tag",
       "S",
       {"tag"},
       Type::kString,
       [](const Reads& reads, const Fields& inputs, int64_t) -> Outcome {
         if (IsNothing(reads[0])) return std::nullopt;
         return std::get<std::string>(reads[0]) + "/" + std::get<std::string>(inputs.at("tag"));
       }},
      {"$0 == null ? null : $0.size()",
       "S",
       {},
       Type::kInt64,
       [](const Reads& reads, const Fields&, int64_t) -> Outcome {
         if (IsNothing(reads[0])) return Value();
         const auto& text = std::get<std::string>(reads[0]);
         return static_cast<int64_t>(std::count_if(text.begin(), text.end(), [](char byte) {
           return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;  // begins a code point
         }));
       }},
      {"has($0) ? now - $0 : -1",
       "T",
       {},
       Type::kInt64,
       [](const Reads& reads, const Fields&, int64_t now_ms) -> Outcome {
         return IsNothing(reads[0]) ? int64_t{-1} : now_ms - IntegerOf(reads[0]);
       }},
  };
  return formulas;
}

// The first two are drawn more often than the others.
static const std::vector<Value>& KeyPool(const std::string& key) {
  using Texts = std::string;
  static const std::map<std::string, std::vector<Value>> pools = {
      {"user_id",
       {int64_t{1}, int64_t{2}, int64_t{3}, int64_t{4}, int64_t{5}, int64_t{0}, int64_t{-7},
        std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()}},
      {"venue", {Texts("hall"), Texts("hal"), Texts(""), Texts("a \"b\", c\nd"), Texts("größe")}},
      {"number", {int64_t{1}, int64_t{-1}, int64_t{INT32_MAX}}},
      {"vip", {true, false}},
      {"is_on", {true, false}},
      {"device_id",
       {Texts("abc"), Texts(""), Texts("\0", 1), Texts("\0\xff\0\x01", 4), Texts("\xff\xfe\x80"),
        Texts("ab"), Texts(300, '\x90')}},
  };
  return pools.at(key == "rider_id" ? "user_id" : key);
}

Value KeyValue(Random& random, const std::string& key) {
  const std::vector<Value>& pool = KeyPool(key);
  return random.Once(4) ? random.OneOf(pool) : pool[static_cast<size_t>(random.Pick(0, 1))];
}

}  // namespace freshet::served
