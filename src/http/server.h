// The HTTP server beside gRPC: features as JSON, services, health, and metrics over one Engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "freshet/engine.h"
#include "freshet/status.h"

#include "base/limits.h"

namespace freshet::http {

struct HttpOptions {
  // "host:port"; port 0: any that is free. It knows no passwords.
  std::string address = "127.0.0.1:7071";
  // How many are served at once, each by a thread of its own; one more is closed.
  size_t connections = limits::kHttpConnectionsDefault;
};

class HttpServer {
 public:
  // Listens and serves until Shutdown. `engine` must outlive it. InvalidArgument when the address
  // is none, Unavailable when it cannot be listened on.
  static Result<std::unique_ptr<HttpServer>> Start(Engine& engine, const HttpOptions& options);
  // Shuts down at once.
  virtual ~HttpServer() = default;

  virtual uint16_t port() const = 0;

  // Takes no new connections, and ends each one with its next answer. Idempotent; any thread.
  virtual void BeginDrain() = 0;
  // Begins to drain, and waits for the requests under way; what is not answered after `drain_ms` is
  // cut off. Nothing calls the engine any more on return. Idempotent; one thread.
  virtual void Shutdown(int64_t drain_ms) = 0;
};

}  // namespace freshet::http
