#include "http/raw_socket.h"

#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace freshet::testing {

RawSocket::RawSocket(uint16_t port) : descriptor_(socket(AF_INET, SOCK_STREAM, 0)) {
  const timeval patience = {.tv_sec = 10, .tv_usec = 0};
  setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connected_ =
      connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

RawSocket::~RawSocket() {
  close(descriptor_);
}

bool RawSocket::Send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

void RawSocket::EndSending() const {
  shutdown(descriptor_, SHUT_WR);
}

std::string RawSocket::ReadUntil(std::string_view end) const {
  std::string text;
  char bytes[4'096];
  while (end.empty() || text.find(end) == std::string::npos) {
    const ssize_t read = recv(descriptor_, bytes, sizeof(bytes), 0);
    if (read <= 0) break;
    text.append(bytes, static_cast<size_t>(read));
  }
  return text;
}

}  // namespace freshet::testing
