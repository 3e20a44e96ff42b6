// A network between two ends of this machine, which a test can silence or cut.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

namespace freshet::testing {

enum class Network {
  kUp,
  kSilent,  // connections stand, and nothing comes through: as when a cable is pulled
  kCut,     // connections are reset, and so is each new one
};

// Takes connections on a port of its own and carries their bytes to another one. Any thread.
class TcpProxy {
 public:
  // Ends the process when there is no port.
  TcpProxy();
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  int port() const { return port_; }
  // Where new connections lead.
  void ForwardTo(int port) { target_port_ = port; }
  // What was held back by a silence comes through once it is over.
  void Set(Network network) { network_ = network; }

 private:
  struct Connection {
    int near = -1;
    int far = -1;
  };

  void Run();
  void Accept();
  // False when one of the two ends is gone.
  static bool Carry(const Connection& connection, bool near_has_bytes, bool far_has_bytes);
  void Reset(Connection& connection);

  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> target_port_{0};
  std::atomic<Network> network_{Network::kUp};
  std::atomic<bool> stops_{false};
  std::vector<Connection> connections_;  // the thread's own
  std::thread thread_;
};

}  // namespace freshet::testing
