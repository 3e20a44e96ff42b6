// The gRPC server: the services of freshet.v1, health and reflection over one Engine.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "freshet/engine.h"
#include "freshet/status.h"

namespace freshet::rpc {

struct RpcOptions {
  // "host:port"; port 0: any that is free. Whoever reaches it may do everything, and the HTTP/2
  // code below is not hardened against hostile peers: listen where strangers are not.
  std::string address = "127.0.0.1:7070";
};

class RpcServer {
 public:
  // Listens and serves until Shutdown. `engine` must outlive it. InvalidArgument when the address
  // is none, Unavailable when it cannot be listened on. The health of "" and of
  // freshet.v1.FeatureStore is SERVING whenever the engine is ready.
  static Result<std::unique_ptr<RpcServer>> Start(Engine& engine, const RpcOptions& options);
  // Shuts down at once.
  virtual ~RpcServer() = default;

  virtual uint16_t port() const = 0;

  // Takes no new calls, tells health watchers, and waits for those under way; what is not done
  // after `drain_ms` is cancelled. Nothing calls the engine any more on return. Idempotent; one
  // thread.
  virtual void Shutdown(int64_t drain_ms) = 0;
};

}  // namespace freshet::rpc
