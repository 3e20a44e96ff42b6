// Bytes that come front to back and cannot be read twice: standard input, a named pipe.
#pragma once

#include <string>

#include "freshet/status.h"

namespace freshet::cli {

// One thread.
class Pipe {
 public:
  Pipe() = default;
  ~Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  // "-" is standard input.
  static bool IsOne(const std::string& path);

  // A named pipe opens once somebody writes to it. IoError; Cancelled after an interrupt (interrupt.h).
  Status Open(const std::string& path);
  // Empty at the end. Errors as above.
  Result<std::string> Next();

 private:
  Status Failed() const;

  std::string path_;
  int descriptor_ = -1;
};

}  // namespace freshet::cli
