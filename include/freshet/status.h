// Status and Result: errors as values.
//
// A Status that is OK costs one null pointer. "Nothing was found" is an ordinary answer in Freshet
// and travels as data; kNotFound is for names that the caller got wrong.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace freshet {

enum class StatusCode : uint8_t {
  kOk = 0,
  kInvalidArgument,     // the caller's input is wrong, and will be wrong again
  kNotFound,            // a name that nothing carries
  kAlreadyExists,       //
  kFailedPrecondition,  // right input at the wrong time, or against the state of things
  kResourceExhausted,   // a named limit was reached
  kCorruption,          // stored bytes that cannot be what was written
  kIoError,             // the operating system or a library refused
  kUnavailable,         // may go through later
  kDeadlineExceeded,    //
  kCancelled,           //
  kInternal,            // a fault of Freshet's own
};

// "InvalidArgument" and so on; never null.
std::string_view StatusCodeName(StatusCode code);

class [[nodiscard]] Status {
 public:
  Status() noexcept = default;
  Status(StatusCode code, std::string message);
  Status(const Status& other);
  Status& operator=(const Status& other);
  Status(Status&&) noexcept = default;
  Status& operator=(Status&&) noexcept = default;

  static Status Ok() { return Status(); }
  static Status InvalidArgument(std::string m) {
    return {StatusCode::kInvalidArgument, std::move(m)};
  }
  static Status NotFound(std::string m) { return {StatusCode::kNotFound, std::move(m)}; }
  static Status AlreadyExists(std::string m) { return {StatusCode::kAlreadyExists, std::move(m)}; }
  static Status FailedPrecondition(std::string m) {
    return {StatusCode::kFailedPrecondition, std::move(m)};
  }
  static Status ResourceExhausted(std::string m) {
    return {StatusCode::kResourceExhausted, std::move(m)};
  }
  static Status Corruption(std::string m) { return {StatusCode::kCorruption, std::move(m)}; }
  static Status IoError(std::string m) { return {StatusCode::kIoError, std::move(m)}; }
  static Status Unavailable(std::string m) { return {StatusCode::kUnavailable, std::move(m)}; }
  static Status DeadlineExceeded(std::string m) {
    return {StatusCode::kDeadlineExceeded, std::move(m)};
  }
  static Status Cancelled(std::string m) { return {StatusCode::kCancelled, std::move(m)}; }
  static Status Internal(std::string m) { return {StatusCode::kInternal, std::move(m)}; }

  bool ok() const { return state_ == nullptr; }
  StatusCode code() const { return state_ == nullptr ? StatusCode::kOk : state_->code; }
  // Empty when OK.
  std::string_view message() const {
    return state_ == nullptr ? std::string_view() : state_->message;
  }
  // "InvalidArgument: the message", or "Ok".
  std::string ToString() const;
  // The same code with "context: " in front of the message; OK stays OK.
  Status Prefixed(std::string_view context) const;

 private:
  struct State {
    StatusCode code;
    std::string message;
  };
  std::unique_ptr<State> state_;
};

// Either a T or the Status that explains its absence. Reading the value of a failed Result ends the
// process.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : held_(std::in_place_index<1>, std::move(value)) {}  // NOLINT: implicit on purpose
  Result(Status status)
      : held_(std::in_place_index<0>, std::move(status)) {}  // NOLINT: implicit on purpose

  bool ok() const { return held_.index() == 1; }
  // OK when a value is held.
  Status status() const { return ok() ? Status() : *std::get_if<0>(&held_); }

  T& value() & { return std::get<1>(held_); }
  const T& value() const& { return std::get<1>(held_); }
  T&& value() && { return std::get<1>(std::move(held_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<Status, T> held_;
};

}  // namespace freshet

// Leaves the function with the status of `expression` unless it is OK.
#define FRESHET_RETURN_IF_ERROR(expression)                                    \
  do {                                                                         \
    if (::freshet::Status freshet_status = (expression); !freshet_status.ok()) \
      return freshet_status;                                                   \
  } while (false)

#define FRESHET_CONCAT_INNER(a, b) a##b
#define FRESHET_CONCAT(a, b) FRESHET_CONCAT_INNER(a, b)
// FRESHET_ASSIGN_OR_RETURN(auto value, MakeValue()): declares `value`, or leaves with the status.
#define FRESHET_ASSIGN_OR_RETURN(declaration, expression)        \
  auto FRESHET_CONCAT(freshet_result_, __LINE__) = (expression); \
  if (!FRESHET_CONCAT(freshet_result_, __LINE__).ok())           \
    return FRESHET_CONCAT(freshet_result_, __LINE__).status();   \
  declaration = std::move(*FRESHET_CONCAT(freshet_result_, __LINE__))
