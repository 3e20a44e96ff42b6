// The real `freshet serve` in a process of its own, on a free port.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "freshet/client.h"

namespace freshet::testing {

class ServerProcess {
 public:
  // `binary` is the path of freshet, `folder` holds the log and, unless a configuration says
  // otherwise, the state in folder/data. `arguments` come after `serve`; without --http among them, HTTP is on
  // another free port.
  ServerProcess(std::string binary, std::string folder, std::vector<std::string> arguments = {});
  // Kills it when it still runs.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Starts it and waits until it is ready. False, with its log as a test failure, when it ends
  // before that. May follow Terminate or Kill: the port is another one then.
  bool Start();
  // The same, but waits only until it listens.
  bool StartListening();
  bool WaitUntilReady();

  // SIGTERM, and waits for the end; the exit code.
  int Terminate() { return End(15); }
  // SIGKILL.
  int Kill() { return End(9); }
  // Sends a signal, and waits for the end. A test failure when it does not run.
  int End(int signal);

  pid_t process() const { return process_; }
  const std::string& address() const { return address_; }
  const std::string& http_address() const { return http_address_; }
  std::unique_ptr<Client> NewClient() const;
  // All of it, of earlier starts too.
  std::string Log() const;

 private:
  bool HasEnded();

  const std::string binary_;
  const std::string folder_;
  const std::vector<std::string> arguments_;
  pid_t process_ = -1;
  std::string address_;
  std::string http_address_;
  size_t log_begin_ = 0;  // of the last start
};

}  // namespace freshet::testing
