#include "http/listener.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace freshet::http {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Result<Addresses> Resolve(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == address.size())
    return Status::InvalidArgument(fmt::format(
        "'{}' is no address to listen on: write host:port, such as 127.0.0.1:7071", address));
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), address.c_str() + colon + 1, &hints, &found);
  if (error != 0)
    return Status::InvalidArgument(
        fmt::format("'{}' is no address to listen on: {}", address, gai_strerror(error)));
  return Addresses(found);
}

uint16_t PortOf(int descriptor) {
  sockaddr_storage bound{};
  socklen_t bytes = sizeof(bound);
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &bytes) != 0) return 0;
  if (bound.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6&>(bound).sin6_port);
  return ntohs(reinterpret_cast<sockaddr_in&>(bound).sin_port);
}

}  // namespace

Result<Listener> Listener::Open(const std::string& address) {
  FRESHET_ASSIGN_OR_RETURN(const Addresses addresses, Resolve(address));
  Listener listener;
  listener.descriptor_ =
      socket(addresses->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  // A server that was just stopped leaves connections behind that would keep the port for a minute.
  const int reuse = 1;
  if (listener.descriptor_ < 0 ||
      setsockopt(listener.descriptor_, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse)) != 0 ||
      bind(listener.descriptor_, addresses->ai_addr, addresses->ai_addrlen) != 0 ||
      listen(listener.descriptor_, SOMAXCONN) != 0)
    return Status::Unavailable(
        fmt::format("cannot listen on {} for HTTP: {}", address, std::strerror(errno)));
  listener.port_ = PortOf(listener.descriptor_);
  return listener;
}

Listener::Listener(Listener&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), port_(other.port_) {}

Listener& Listener::operator=(Listener&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(port_, other.port_);
  return *this;
}

Listener::~Listener() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace freshet::http
