#include "http/server.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <microhttpd.h>
#include <mutex>
#include <optional>
#include <string_view>
#include <strings.h>
#include <utility>

#include <fmt/format.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/log.h"
#include "http/answer.h"
#include "http/listener.h"
#include "http/problem.h"
#include "http/router.h"

namespace freshet::http {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr unsigned kIdleSecondsMax = limits::kHttpIdleMsMax / 1'000;
constexpr char kRetryAfterSeconds[] = "1";

// The bodies of all requests under way together.
class BodyBudget {
 public:
  bool Take(size_t bytes) {
    size_t taken = taken_.load();
    do {
      if (taken + bytes > limits::kHttpBodiesBytesMax) return false;
    } while (!taken_.compare_exchange_weak(taken, taken + bytes));
    return true;
  }
  void Give(size_t bytes) { taken_.fetch_sub(bytes); }

 private:
  std::atomic<size_t> taken_{0};
};

// One request under way, from its head to the last byte of its answer.
class Exchange {
 public:
  explicit Exchange(BodyBudget& budget) : budget_(budget) {}
  ~Exchange() { Drop(); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // From then on what comes of the body is dropped unread.
  void Refuse(Answer answer) {
    Drop();
    refusal_ = std::move(answer);
  }
  void Append(std::string_view part);

  const std::string& body() const { return body_; }
  std::optional<Answer>& refusal() { return refusal_; }
  // Keeps the answer's bytes until they are sent.
  Answer& Keep(Answer answer) { return answer_ = std::move(answer); }
  double seconds() const {
    return std::chrono::duration<double>(SteadyClock::now() - begun_).count();
  }

 private:
  void Drop() {
    budget_.Give(taken_);
    taken_ = 0;
    body_ = {};
  }

  BodyBudget& budget_;
  const SteadyClock::time_point begun_ = SteadyClock::now();
  std::string body_;
  size_t taken_ = 0;
  std::optional<Answer> refusal_;
  Answer answer_;
};

Answer BodyTooLarge() {
  return Problem(413, fmt::format("a body has at most {} bytes; ask for fewer entities at once",
                                  limits::kHttpBodyBytesMax));
}

void Exchange::Append(std::string_view part) {
  if (refusal_.has_value()) return;
  if (body_.size() + part.size() > limits::kHttpBodyBytesMax) return Refuse(BodyTooLarge());
  if (!budget_.Take(part.size()))
    return Refuse(Problem(503, "the server reads as much of other requests as it may; ask again"));
  taken_ += part.size();
  body_ += part;
}

// Whether the other end of a connection has been closed, as far as can be seen without reading.
bool HasLeft(MHD_Connection* connection) {
  const MHD_ConnectionInfo* info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  char next = 0;
  return info != nullptr && recv(info->connect_fd, &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

// The library hands paths over as they are in C: a NUL must not end one early, so it becomes a
// character that no path has.
size_t Unescape(void*, MHD_Connection*, char* text) {
  const size_t bytes = MHD_http_unescape(text);
  std::replace(text, text + bytes, '\0', '\x01');
  return bytes;
}

class HttpServerImpl final : public HttpServer {
 public:
  // At most every second connection may wait for events: the others still answer.
  HttpServerImpl(Engine& engine, Listener listener, size_t connections)
      : listener_(std::move(listener)),
        router_(engine, std::min(limits::kWaitingReads, (connections + 1) / 2)) {}
  ~HttpServerImpl() override { Shutdown(0); }

  Status Serve(const HttpOptions& options);
  uint16_t port() const override { return listener_.port(); }
  void BeginDrain() override;
  void Shutdown(int64_t drain_ms) override;

 private:
  static MHD_Result OnRequest(void* server, MHD_Connection* connection, const char* path,
                              const char* method, const char* version, const char* part,
                              size_t* part_bytes, void** exchange);
  static void OnDone(void* server, MHD_Connection* connection, void** exchange,
                     MHD_RequestTerminationCode code);
  static void OnLog(void* server, const char* format, va_list arguments);

  Exchange* Begin(MHD_Connection* connection, const Router::Request& request);
  MHD_Result Finish(MHD_Connection* connection, const Router::Request& request, Exchange* exchange);
  MHD_Result Send(MHD_Connection* connection, Answer& answer) const;

  Listener listener_;
  Router router_;
  BodyBudget budget_;
  MHD_Daemon* daemon_ = nullptr;

  std::once_flag drain_once_;
  std::atomic<bool> draining_{false};
  std::mutex mutex_;
  std::condition_variable idle_;
  size_t under_way_ = 0;
};

Status HttpServerImpl::Serve(const HttpOptions& options) {
  // The library wants a port even where it is handed a socket.
  daemon_ = MHD_start_daemon(
      MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ITC |
          MHD_USE_ERROR_LOG,
      port(), nullptr, nullptr, &OnRequest, this,  //
      MHD_OPTION_EXTERNAL_LOGGER, &OnLog, nullptr, MHD_OPTION_UNESCAPE_CALLBACK, &Unescape, nullptr,
      MHD_OPTION_LISTEN_SOCKET, listener_.descriptor(), MHD_OPTION_NOTIFY_COMPLETED, &OnDone, this,
      MHD_OPTION_CONNECTION_LIMIT, static_cast<unsigned>(options.connections),
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, limits::kHttpConnectionBytesMax,
      MHD_OPTION_CONNECTION_TIMEOUT, kIdleSecondsMax, MHD_OPTION_END);
  if (daemon_ == nullptr)
    return Status::Unavailable("the HTTP server cannot start: threads or descriptors are lacking");
  return {};
}

void HttpServerImpl::OnLog(void*, const char* format, va_list arguments) {
  char line[512];
  std::vsnprintf(line, sizeof(line), format, arguments);
  std::string_view message = line;
  while (!message.empty() && message.back() == '\n') message.remove_suffix(1);
  LogDebug("http: {}", message);
}

MHD_Result HttpServerImpl::OnRequest(void* server, MHD_Connection* connection, const char* path,
                                     const char* method, const char*, const char* part,
                                     size_t* part_bytes, void** exchange) {
  auto* self = static_cast<HttpServerImpl*>(server);
  auto* current = static_cast<Exchange*>(*exchange);
  const Router::Request request{.method = method, .path = path, .body = "", .is_gone = nullptr};
  if (current == nullptr) {
    current = self->Begin(connection, request);
    *exchange = current;
    // A refusal now goes out before a body is read, or asked for where the caller waits.
    return current->refusal().has_value() ? self->Finish(connection, request, current) : MHD_YES;
  }
  if (*part_bytes > 0) {
    current->Append({part, *part_bytes});
    *part_bytes = 0;
    return MHD_YES;
  }
  return self->Finish(connection, request, current);
}

Exchange* HttpServerImpl::Begin(MHD_Connection* connection, const Router::Request& request) {
  {
    std::lock_guard lock(mutex_);
    ++under_way_;
  }
  auto* exchange = new Exchange(budget_);
  const auto header = [&](const char* name) {
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  };
  const char* length = header(MHD_HTTP_HEADER_CONTENT_LENGTH);
  const bool has_body = header(MHD_HTTP_HEADER_TRANSFER_ENCODING) != nullptr ||
                        (length != nullptr && std::string_view(length) != "0");
  if (!has_body) return exchange;
  const char* encoding = header(MHD_HTTP_HEADER_CONTENT_ENCODING);
  if (!Router::TakesBody(request.method, request.path))
    exchange->Refuse(router_.Handle(request));
  else if (encoding != nullptr && strcasecmp(encoding, "identity") != 0)
    exchange->Refuse(Problem(415, fmt::format("a body comes as it is, not as {}", encoding)));
  else if (length != nullptr && std::strtoull(length, nullptr, 10) > limits::kHttpBodyBytesMax)
    exchange->Refuse(BodyTooLarge());
  return exchange;
}

MHD_Result HttpServerImpl::Finish(MHD_Connection* connection, const Router::Request& request,
                                  Exchange* exchange) {
  Answer answer;
  if (exchange->refusal().has_value())
    answer = std::move(*exchange->refusal());
  else
    answer = router_.Handle({.method = request.method,
                             .path = request.path,
                             .body = exchange->body(),
                             .is_gone = [connection] { return HasLeft(connection); }});
  router_.Count(request, answer.status, exchange->seconds());
  return Send(connection, exchange->Keep(std::move(answer)));
}

MHD_Result HttpServerImpl::Send(MHD_Connection* connection, Answer& answer) const {
  MHD_Response* response = MHD_create_response_from_buffer(answer.body.size(), answer.body.data(),
                                                           MHD_RESPMEM_PERSISTENT);
  if (response == nullptr) return MHD_NO;
  const auto add = [&](const char* name, const char* value) {
    FRESHET_CHECK(MHD_add_response_header(response, name, value) == MHD_YES);
  };
  add(MHD_HTTP_HEADER_CONTENT_TYPE, answer.content_type.c_str());
  if (!answer.allow.empty()) add(MHD_HTTP_HEADER_ALLOW, answer.allow.c_str());
  if (answer.status == 429 || answer.status == 503)
    add(MHD_HTTP_HEADER_RETRY_AFTER, kRetryAfterSeconds);
  if (draining_.load()) add(MHD_HTTP_HEADER_CONNECTION, "close");
  const MHD_Result sent =
      MHD_queue_response(connection, static_cast<unsigned>(answer.status), response);
  MHD_destroy_response(response);
  return sent;
}

void HttpServerImpl::OnDone(void* server, MHD_Connection*, void** exchange,
                            MHD_RequestTerminationCode) {
  if (*exchange == nullptr) return;
  delete static_cast<Exchange*>(std::exchange(*exchange, nullptr));
  auto* self = static_cast<HttpServerImpl*>(server);
  // Under the lock: Shutdown may destroy the condition once it has seen zero.
  std::lock_guard lock(self->mutex_);
  if (--self->under_way_ == 0) self->idle_.notify_all();
}

void HttpServerImpl::BeginDrain() {
  std::call_once(drain_once_, [this] {
    router_.BeginDrain();
    draining_.store(true);
    MHD_quiesce_daemon(daemon_);
    // The library may look at the socket a little longer, so it stays open, but takes no callers.
    shutdown(listener_.descriptor(), SHUT_RDWR);
  });
}

void HttpServerImpl::Shutdown(int64_t drain_ms) {
  if (daemon_ == nullptr) return;
  BeginDrain();
  {
    std::unique_lock lock(mutex_);
    idle_.wait_for(lock, std::chrono::milliseconds(drain_ms), [this] { return under_way_ == 0; });
  }
  MHD_stop_daemon(std::exchange(daemon_, nullptr));
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Start(Engine& engine, const HttpOptions& options) {
  FRESHET_ASSIGN_OR_RETURN(Listener listener, Listener::Open(options.address));
  auto server = std::make_unique<HttpServerImpl>(engine, std::move(listener), options.connections);
  FRESHET_RETURN_IF_ERROR(server->Serve(options));
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace freshet::http
