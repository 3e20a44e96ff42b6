#include "http/problem.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/limits.h"
#include "base/utf8.h"

namespace freshet::http {
namespace {

using Json = nlohmann::ordered_json;

int ToHttpStatus(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return 200;
    case StatusCode::kInvalidArgument:
      return 400;
    case StatusCode::kNotFound:
      return 404;
    case StatusCode::kAlreadyExists:
    case StatusCode::kFailedPrecondition:
      return 409;
    case StatusCode::kResourceExhausted:
      return 429;
    case StatusCode::kUnavailable:
    case StatusCode::kCancelled:
      return 503;
    case StatusCode::kDeadlineExceeded:
      return 504;
    case StatusCode::kCorruption:
    case StatusCode::kIoError:
    case StatusCode::kInternal:
      return 500;
  }
  return 500;
}

// How the engine's messages call a field, and how the body does.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kFields = {{
    {"feature_service", "feature_service"},
    {"features", "features"},
    {"entities", "entities"},
    {"inputs", "inputs"},
    {"read_time", "read_time_ms"},
    {"max_staleness", "max_staleness_ms"},
    {"read_after", "read_after"},
}};

// "read_after[1].source: ..." -> "#/read_after/1/source"
std::string PointerOf(std::string_view message) {
  const std::string_view head = message.substr(0, message.find(':'));
  const std::string_view name = head.substr(0, head.find_first_of("[."));
  const auto found = std::find_if(kFields.begin(), kFields.end(),
                                  [&](const auto& field) { return field.first == name; });
  if (found == kFields.end()) return "";
  std::string pointer = fmt::format("#/{}", found->second);
  for (char byte : head.substr(name.size())) {
    if (byte == '[' || byte == '.')
      pointer += '/';
    else if (byte != ']')
      pointer += byte;
  }
  return pointer;
}

Answer Render(int status, std::string_view code, std::string_view detail,
              std::string_view pointer) {
  // They may quote the request, which may be long.
  const bool is_long = detail.size() > limits::kErrorBytesMax;
  const std::string shown = is_long ? ToUtf8(detail.substr(0, limits::kErrorBytesMax)).append("...")
                                    : std::string(detail);
  Json problem = {{"title", ReasonPhrase(status)}, {"status", status}, {"detail", shown}};
  if (!code.empty()) problem["code"] = code;
  if (!pointer.empty() && pointer.size() <= limits::kErrorBytesMax) problem["pointer"] = pointer;
  return {.status = status,
          .content_type = kProblemType,
          .body = problem.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n",
          .allow = ""};
}

}  // namespace

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 429:
      return "Too Many Requests";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Internal Server Error";
  }
}

Answer Problem(int status, std::string_view detail, std::string_view pointer) {
  return Render(status, "", detail, pointer);
}

Answer ToProblem(const Status& status, std::string_view pointer) {
  const bool names_field = pointer.empty() && status.code() == StatusCode::kInvalidArgument;
  return Render(ToHttpStatus(status.code()), StatusCodeName(status.code()), status.message(),
                names_field ? PointerOf(status.message()) : std::string(pointer));
}

}  // namespace freshet::http
