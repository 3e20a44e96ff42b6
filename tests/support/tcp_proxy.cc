#include "support/tcp_proxy.h"

#include <cstdlib>
#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace freshet::testing {
namespace {

constexpr int kLookMs = 10;  // at what the network is to be
constexpr size_t kBytesAtOnce = 64u << 10;

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

// False when either end is gone.
bool Pass(int from, int to) {
  char bytes[kBytesAtOnce];
  const ssize_t count = recv(from, bytes, sizeof(bytes), 0);
  if (count <= 0) return false;
  for (ssize_t sent = 0; sent < count;) {
    const ssize_t some = send(to, bytes + sent, static_cast<size_t>(count - sent), MSG_NOSIGNAL);
    if (some <= 0) return false;
    sent += some;
  }
  return true;
}

}  // namespace

TcpProxy::TcpProxy() {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, 64) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    fmt::print(stderr, "tcp proxy for tests: no free port\n");
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Run(); });
}

TcpProxy::~TcpProxy() {
  stops_ = true;
  thread_.join();
  for (Connection& connection : connections_) Reset(connection);
  close(listener_);
}

void TcpProxy::Run() {
  while (!stops_) {
    const Network network = network_;
    if (network == Network::kCut) {
      for (Connection& connection : connections_) Reset(connection);
      connections_.clear();
    }
    std::vector<pollfd> polled = {{listener_, POLLIN, 0}};
    for (const Connection& connection : connections_) {
      const short wanted = network == Network::kUp ? POLLIN : 0;
      polled.push_back({network == Network::kUp ? connection.near : -1, wanted, 0});
      polled.push_back({network == Network::kUp ? connection.far : -1, wanted, 0});
    }
    poll(polled.data(), polled.size(), kLookMs);
    if (network_ != network) continue;
    std::vector<Connection> standing;
    for (size_t i = 0; i < connections_.size(); ++i) {
      const bool near_has_bytes = polled[1 + 2 * i].revents != 0;
      const bool far_has_bytes = polled[2 + 2 * i].revents != 0;
      if (Carry(connections_[i], near_has_bytes, far_has_bytes))
        standing.push_back(connections_[i]);
      else
        Reset(connections_[i]);
    }
    connections_ = std::move(standing);
    if (polled[0].revents != 0) Accept();
  }
}

void TcpProxy::Accept() {
  Connection connection;
  connection.near = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (connection.near < 0) return;
  connection.far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in target = Loopback(target_port_);
  const bool leads_on =
      network_ != Network::kCut &&
      connect(connection.far, reinterpret_cast<const sockaddr*>(&target), sizeof(target)) == 0;
  if (leads_on)
    connections_.push_back(connection);
  else
    Reset(connection);
}

bool TcpProxy::Carry(const Connection& connection, bool near_has_bytes, bool far_has_bytes) {
  return (!near_has_bytes || Pass(connection.near, connection.far)) &&
         (!far_has_bytes || Pass(connection.far, connection.near));
}

void TcpProxy::Reset(Connection& connection) {
  for (const int end : {connection.near, connection.far}) {
    const linger at_once{1, 0};
    setsockopt(end, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(end);
  }
}

}  // namespace freshet::testing
