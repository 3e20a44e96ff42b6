#include "http/json_check.h"

#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/limits.h"

namespace freshet::http {
namespace {

constexpr int kNumberOutOfRange = 406;  // as nlohmann-json numbers its exceptions

// Returning false ends the parsing.
class Checker final : public nlohmann::json_sax<nlohmann::json> {
 public:
  const Status& status() const { return status_; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override { return Open(); }
  bool end_object() override { return Close(); }
  bool start_array(size_t) override { return Open(); }
  bool end_array() override { return Close(); }

  bool key(string_t& name) override {
    if (keys_.back().insert(name).second) return true;
    status_ =
        Status::InvalidArgument(fmt::format("the body has the key '{}' twice in one object", name));
    return false;
  }

  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) override {
    // After the library's own tag: "[json.exception.parse_error.101] parse error at line 1, ..."
    std::string_view message = error.what();
    message.remove_prefix(message.find("] ") + 2);
    status_ = Status::InvalidArgument(
        error.id == kNumberOutOfRange
            ? fmt::format("the body has a number that no double holds: {}", message)
            : fmt::format("the body is not JSON: {}", message));
    return false;
  }

 private:
  bool Open() {
    keys_.emplace_back();
    if (keys_.size() <= limits::kHttpJsonDepthMax) return true;
    status_ = Status::InvalidArgument(
        fmt::format("the body has objects and arrays {} deep; no field is more than {} deep",
                    keys_.size(), limits::kHttpJsonDepthMax));
    return false;
  }
  bool Close() {
    keys_.pop_back();
    return true;
  }

  Status status_;
  std::vector<std::set<std::string, std::less<>>> keys_;  // of the objects and arrays that are open
};

}  // namespace

Status CheckJson(std::string_view text) {
  Checker checker;
  nlohmann::json::sax_parse(text, &checker);
  return checker.status();
}

}  // namespace freshet::http
