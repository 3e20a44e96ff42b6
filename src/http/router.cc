#include "http/router.h"

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "http/features_request.h"
#include "http/features_response.h"
#include "http/problem.h"
#include "http/process_figures.h"

namespace freshet::http {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kServicePrefix = "/v1/services/";
constexpr char kMetricsType[] = "text/plain; version=0.0.4; charset=utf-8";

Answer AnswerJson(const Json& json) {
  return {.status = 200,
          .content_type = kJsonType,
          .body = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n",
          .allow = ""};
}

Answer AnswerText(int status, std::string text) {
  return {.status = status, .content_type = kTextType, .body = std::move(text), .allow = ""};
}

Json ColumnsToJson(const std::vector<ServiceColumn>& columns) {
  Json json = Json::array();
  for (const ServiceColumn& column : columns) {
    json.push_back({{"name", column.name}, {"type", TypeName(column.type)}});
    if (column.is_list) json.back()["is_list"] = true;
  }
  return json;
}

// Among the requests in flight.
class Place {
 public:
  explicit Place(RequestGate& gate)
      : gate_(gate), entered_at_(RequestGate::Clock::now()), is_taken_(gate.Enter(entered_at_)) {}
  ~Place() { Leave(); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  bool is_taken() const { return is_taken_; }
  void Leave() {
    if (std::exchange(is_taken_, false)) gate_.Leave();
  }
  // A connection has a thread of its own: nothing of this time was waiting for one.
  void CountAnswered() { gate_.CountAnswered(RequestGate::Clock::now() - entered_at_); }

 private:
  RequestGate& gate_;
  const RequestGate::Clock::time_point entered_at_;
  bool is_taken_;
};

}  // namespace

struct Router::Route {
  std::string_view method;  // GET stands for HEAD too
  std::string_view path;    // what is after a '{' is any text without a slash
  Answer (Router::*answer)(const Request& request);
};

const Router::Route Router::kRoutes[] = {
    {"POST", "/v1/features", &Router::GetFeatures},
    {"GET", "/v1/services", &Router::ListServices},
    {"GET", "/v1/services/{name}", &Router::DescribeService},
    {"GET", "/healthz", &Router::Live},
    {"GET", "/readyz", &Router::Ready},
    {"GET", "/metrics", &Router::Metrics},
};

const Router::Route* Router::Find(std::string_view path) {
  for (const Route& route : kRoutes) {
    const size_t fixed = route.path.find('{');
    if (fixed == std::string_view::npos) {
      if (path == route.path) return &route;
    } else if (path.size() > fixed && path.substr(0, fixed) == route.path.substr(0, fixed) &&
               path.find('/', fixed) == std::string_view::npos) {
      return &route;
    }
  }
  return nullptr;
}

bool Router::TakesBody(std::string_view method, std::string_view path) {
  const Route* route = Find(path);
  return route != nullptr && method == "POST" && route->method == "POST";
}

Answer Router::Handle(const Request& request) {
  const Route* route = Find(request.path);
  if (route == nullptr) {
    std::string known;
    for (const Route& one : kRoutes) known += fmt::format("{} {}, ", one.method, one.path);
    known.resize(known.size() - 2);
    return Problem(404, fmt::format("there is no {}; there are {}", request.path, known));
  }
  const bool is_head = request.method == "HEAD" && route->method == "GET";
  if (request.method != route->method && !is_head) {
    Answer answer = Problem(
        405, fmt::format("{} takes {}, not {}", request.path, route->method, request.method));
    answer.allow = route->method == "GET" ? "GET, HEAD" : std::string(route->method);
    return answer;
  }
  return (this->*route->answer)(request);
}

void Router::Count(const Request& request, int status, double seconds) {
  const Route* route = Find(request.path);
  const bool known_method =
      route != nullptr && (request.method == route->method || request.method == "HEAD");
  metrics_.Count(known_method ? request.method : "other", route != nullptr ? route->path : "other",
                 status, seconds);
}

Answer Router::GetFeatures(const Request& request) {
  Place place(engine_.gate());
  if (!place.is_taken())
    return ToProblem(Status::ResourceExhausted(
        fmt::format("{} requests are in flight, as many as serving.requests_in_flight and the time "
                    "that they take allow: ask again a little later",
                    engine_.gate().in_flight())));
  FeatureRequest asked;
  std::string pointer;
  if (Status status = ReadFeaturesRequest(request.body, engine_, &asked, &pointer); !status.ok())
    return ToProblem(status, pointer);
  FeatureResponse response;
  Status status;
  if (asked.read_after.empty()) {
    status = engine_.GetFeatures(asked, &response);
    place.CountAnswered();
  } else {
    // What waits for events does nothing else meanwhile.
    place.Leave();
    status = GetFeaturesAfterEvents(request, asked, &response);
  }
  if (!status.ok()) return ToProblem(status);
  Result<std::string> json = WriteFeatures(asked, response);
  if (!json.ok()) return ToProblem(json.status());
  return {.status = 200, .content_type = kJsonType, .body = std::move(*json), .allow = ""};
}

Status Router::GetFeaturesAfterEvents(const Request& request, FeatureRequest& asked,
                                      FeatureResponse* response) {
  const Place place(waits_);
  if (!place.is_taken())
    return Status::ResourceExhausted(fmt::format(
        "{} requests wait for the events of their read_after, as many as may: ask again a little "
        "later",
        waits_.in_flight_max()));
  asked.is_cancelled = [&] { return draining_.load() || (request.is_gone && request.is_gone()); };
  return engine_.GetFeatures(asked, response);
}

Answer Router::ListServices(const Request&) {
  Json services = Json::array();
  for (const std::string& name : engine_.GetStatus().services) services.push_back({{"name", name}});
  return AnswerJson({{"services", services}});
}

Answer Router::DescribeService(const Request& request) {
  const std::string_view name = request.path.substr(kServicePrefix.size());
  const auto description = engine_.DescribeService(name, {});
  if (!description.ok()) return ToProblem(description.status());
  return AnswerJson({{"name", name},
                     {"entities", ColumnsToJson(description->entities)},
                     {"inputs", ColumnsToJson(description->inputs)},
                     {"features", ColumnsToJson(description->features)}});
}

Answer Router::Live(const Request&) {
  return AnswerText(200, "ok\n");
}

Answer Router::Ready(const Request&) {
  if (draining_.load()) return AnswerText(503, "not ready: stopping\n");
  if (!engine_.Ready()) return AnswerText(503, "not ready: catching up\n");
  return AnswerText(200, "ready\n");
}

Answer Router::Metrics(const Request&) {
  return {.status = 200,
          .content_type = kMetricsType,
          .body = RenderMetrics(engine_.GetStatus(), ReadProcessFigures(), metrics_.Collect()),
          .allow = ""};
}

}  // namespace freshet::http
