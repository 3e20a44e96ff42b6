// The servers that are compared, each in a process of its own on a core of its own.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "freshet/status.h"

#include "serve_bench_case.h"

namespace freshet::serve_bench {

// Pins the calling thread, and those that it starts later, to one core.
Status PinToCore(int core);

// What the server processes run: serve until standard input ends, with the port on standard output.
// A Freshet with the data of the case in a new folder, warm.
Status RunFreshet(const Case& shape);
// gRPC alone: the same method on the same callback interface of raw bytes, answering any request
// with `response_bytes` bytes that are there already.
Status RunEcho(size_t response_bytes);
// The same after a MultiGet of a timeline's and a row's bytes of a RocksDB that holds as much as the
// case does.
Status RunMultiGet(size_t response_bytes, const Case& shape);

// A server process; ends it with the object.
class ServerProcess {
 public:
  // Starts this program again with `arguments` and waits for its port.
  static Result<std::unique_ptr<ServerProcess>> Start(std::vector<std::string> arguments);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  uint16_t port() const { return port_; }
  // Between the two, a Freshet takes in events and loads, as its case has it. A load that is under way
  // pauses at the end, or, when its rows are all read, is waited for.
  void BeginBusiness() const;
  void EndBusiness() const;
  // The time that all its threads have spent on a processor.
  int64_t CpuNs() const;

 private:
  ServerProcess(pid_t process, int input, FILE* output)
      : process_(process), input_(input), output_(output) {}
  void Command(char command) const;

  const pid_t process_;
  const int input_;
  FILE* const output_;
  uint16_t port_ = 0;
};

}  // namespace freshet::serve_bench
