// A socket that listens on "host:port".
#pragma once

#include <cstdint>
#include <string>

#include "freshet/status.h"

namespace freshet::http {

// Owns the descriptor.
class Listener {
 public:
  // Port 0: any that is free. InvalidArgument when `address` is none, Unavailable when it cannot be
  // listened on.
  static Result<Listener> Open(const std::string& address);

  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&& other) noexcept;
  ~Listener();

  int descriptor() const { return descriptor_; }
  uint16_t port() const { return port_; }

 private:
  Listener() = default;

  int descriptor_ = -1;
  uint16_t port_ = 0;
};

}  // namespace freshet::http
