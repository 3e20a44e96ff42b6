// Which request is answered by what. Knows nothing of sockets.
#pragma once

#include <atomic>
#include <functional>
#include <string_view>

#include "freshet/engine.h"

#include "http/answer.h"
#include "http/metrics.h"

namespace freshet::http {

class Router {
 public:
  // `engine` must outlive it. So many requests may wait for events at once.
  Router(Engine& engine, size_t waits_max)
      : engine_(engine), waits_({.in_flight_max = waits_max}) {}

  struct Request {
    std::string_view method;
    std::string_view path;  // decoded, without the query
    std::string_view body;
    std::function<bool()> is_gone;  // whether the caller has left; may be empty
  };
  // Any thread.
  Answer Handle(const Request& request);
  // Whether a body is read before Handle: false when none is wanted, so that nobody can send one at
  // length to be told so.
  static bool TakesBody(std::string_view method, std::string_view path);

  // Counts a request that was answered, by Handle or before it.
  void Count(const Request& request, int status, double seconds);
  // From now on it is not ready, and nobody waits for events.
  void BeginDrain() { draining_.store(true); }

 private:
  struct Route;
  static const Route kRoutes[];
  static const Route* Find(std::string_view path);

  Answer GetFeatures(const Request& request);
  Status GetFeaturesAfterEvents(const Request& request, FeatureRequest& asked,
                                FeatureResponse* response);
  Answer ListServices(const Request& request);
  Answer DescribeService(const Request& request);
  Answer Live(const Request& request);
  Answer Ready(const Request& request);
  Answer Metrics(const Request& request);

  Engine& engine_;
  RequestGate waits_;
  HttpMetrics metrics_;
  std::atomic<bool> draining_{false};
};

}  // namespace freshet::http
