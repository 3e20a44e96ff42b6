// A client of a Freshet server over gRPC.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/engine.h"
#include "freshet/features.h"
#include "freshet/status.h"

namespace freshet {

// One connection. All methods may be called from any thread and block until the answer, an error, or
// the timeout, unless they say otherwise. A server that cannot be reached is Unavailable.
class Client {
 public:
  struct Options {
    std::string address = "localhost:7070";
    int64_t timeout_ms = 10'000;  // of one call; loads and applies have none
  };
  static std::unique_ptr<Client> New(const Options& options);
  virtual ~Client() = default;

  virtual Status GetFeatures(const FeatureRequest& request, FeatureResponse* response) = 0;
  // As Engine::Explain.
  virtual Result<Explanation> Explain(const FeatureRequest& request) = 0;
  // GetFeatures without blocking: `done` is called once, from a thread that must not be held up, or
  // before this returns. The client must outlive the call, so `done` must not destroy it.
  virtual void StartGetFeatures(
      const FeatureRequest& request,
      std::function<void(const Status&, const FeatureResponse&)> done) = 0;
  virtual Result<int64_t> Push(std::string_view source,
                               const std::vector<std::string_view>& records) = 0;
  virtual Result<PlanOutcome> Plan(const std::vector<DefinitionText>& files) = 0;
  virtual Result<PlanOutcome> Apply(const std::vector<DefinitionText>& files) = 0;
  // Loads files, of which the server is sent what it asks for. `progress` is told what the server
  // reports. `cancelled` is asked now and then, from another thread, until the server says that it is
  // publishing; once true, the call ends with Cancelled, and the server changes nothing, unless it
  // began to publish at that very moment. *outcome is what the server said last, also on error,
  // with the bad rows. An error of a file ends the load and is returned: nothing was changed. A
  // request that adopts a folder of the server's has no files.
  virtual Status LoadFiles(const LoadRequest& request, const std::vector<LoadFile*>& files,
                           const std::function<void(const LoadProgress&)>& progress,
                           const std::function<bool()>& cancelled, LoadProgress* outcome) = 0;
  // The same for one text file whose bytes come front to back, such as from a pipe.
  // Streams the bytes that `next_chunk` hands out (empty: the end) and calls `progress`, from
  // another thread, with what the server reports. `cancelled` and *outcome are as above. An error of
  // `next_chunk` cancels the load and is returned: nothing was changed.
  virtual Status Load(const LoadRequest& request,
                      const std::function<Result<std::string>()>& next_chunk,
                      const std::function<void(const LoadProgress&)>& progress,
                      const std::function<bool()>& cancelled, LoadProgress* outcome) = 0;
  // As Engine::Rollback.
  virtual Result<RollbackOutcome> Rollback(std::string_view view) = 0;
  // As Engine::DiscardLoad.
  virtual Status DiscardLoad(uint64_t id) = 0;
  // As Engine::Forget. Without a timeout: files are rewritten.
  virtual Result<ForgetReceipt> Forget(const std::map<std::string, std::string>& join_keys) = 0;
  // As Engine::DescribeService.
  virtual Result<ServiceDescription> DescribeService(std::string_view service,
                                                     const std::vector<std::string>& features) = 0;
  virtual Result<ServerStatus> GetStatus() = 0;
};

}  // namespace freshet
