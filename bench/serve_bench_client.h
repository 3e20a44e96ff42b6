// The caller: one thread, asynchronous calls of raw bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "freshet/status.h"

namespace freshet::serve_bench {

struct ClosedRun {
  uint64_t requests = 0;
  double requests_per_s = 0;
};

// The times from the intended moment of each request to its answer, sorted.
struct OpenRun {
  std::vector<int64_t> answered_ns;
  std::vector<int64_t> refused_ns;  // with RESOURCE_EXHAUSTED
  int64_t duration_ns = 0;          // until the last answer
};

class Caller {
 public:
  // Calls the server on `port` of this machine with the requests in turn.
  Caller(uint16_t port, std::vector<grpc::ByteBuffer> requests);
  ~Caller();
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  // One answer per request.
  Result<std::vector<grpc::ByteBuffer>> AnswerEach();
  // Keeps `concurrency` calls under way. The first call that fails ends a run with its status.
  Result<ClosedRun> RunClosed(size_t concurrency, int64_t duration_ns);
  // Sends `requests_per_s` at random moments, the same in every run, whether or not answers come.
  Result<OpenRun> RunOpen(double requests_per_s, int64_t duration_ns);

 private:
  struct Call;

  void Send(int64_t intended_ns);
  // Takes an answer if there is one, or, when told so, waits for it. Null when there is none.
  Call* Take(bool wait);
  void Release(Call* call);

  const std::vector<grpc::ByteBuffer> requests_;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  grpc::CompletionQueue queue_;
  std::vector<std::unique_ptr<Call>> calls_;
  std::vector<Call*> free_;
  size_t under_way_ = 0;
  size_t sent_ = 0;
};

}  // namespace freshet::serve_bench
