// Bytes to a port and back, for what no HTTP client would send.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace freshet::testing {

class RawSocket {
 public:
  explicit RawSocket(uint16_t port);
  ~RawSocket();
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  bool connected() const { return connected_; }
  // False when the server does not take it any more.
  bool Send(std::string_view bytes) const;
  void EndSending() const;
  // What comes until `end` has come, the server closes, or nothing comes for ten seconds.
  std::string ReadUntil(std::string_view end) const;
  std::string ReadToEnd() const { return ReadUntil(""); }

 private:
  int descriptor_ = -1;
  bool connected_ = false;
};

}  // namespace freshet::testing
