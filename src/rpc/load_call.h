// One Admin.Load call: the messages of a stream, taken by a thread that may block.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include <grpcpp/grpcpp.h>

#include "freshet/engine.h"
#include "freshet/status.h"
#include "freshet/v1/admin.grpc.pb.h"

namespace freshet::rpc {

// gRPC's callbacks only note what has happened; Run waits for them. Deletes itself when gRPC is
// done with it, which is after Run or End: neither may be followed by anything.
class LoadCall final : public grpc::ServerBidiReactor<v1::LoadRequest, v1::LoadProgress> {
 public:
  // All must outlive it. It is counted in `loads` already, and takes itself off before its caller hears of
  // its end, who may come with the next load at once.
  LoadCall(Engine& engine, grpc::CallbackServerContext* context, std::atomic<size_t>& loads);

  // Serves the call to its end on the calling thread.
  void Run();
  // Ends the call; Run does so itself.
  void End(const Status& status);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  enum class Step : uint8_t { kIdle, kUnderWay, kOk, kFailed };

  Result<std::unique_ptr<LoadSession>> ReadHeader();
  // One of the files that the header lists.
  class ClientFile;

  // What comes after the header.
  Status ReadRows(LoadSession& session);
  Status ReadFiles(LoadSession& session);
  Status FetchRange(uint32_t file, uint64_t offset, size_t count, char* bytes);
  Status FeedAll(LoadSession& session);
  Status FeedChunk(LoadSession& session, std::string_view chunk);
  Status FinishSession(LoadSession& session);
  // The next message in part_. Cancelled when the client went away or stopped without an end.
  Status Read();
  // Waits until the client's side took it. Failures show up in the next Read.
  void Write(const LoadProgress& progress, const Status& status);
  void WriteReport();
  // Bad rows go out in messages of many, ahead of whatever is written next.
  void TakeBadRow(const BadRowReport& bad);
  void WriteBadRows();
  // At most every kProgressIntervalMs.
  void WriteNowAndThen(const LoadProgress& progress);
  bool cancelled();

  Engine& engine_;
  grpc::CallbackServerContext* const context_;
  std::atomic<size_t>& loads_;
  v1::LoadHeader header_;
  v1::LoadRequest part_;
  v1::LoadProgress report_;
  v1::LoadProgress bad_rows_;
  size_t bad_rows_bytes_ = 0;
  uint64_t bytes_fed_ = 0;
  int64_t next_report_ms_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  Step read_ = Step::kIdle;
  Step write_ = Step::kIdle;
  bool cancelled_ = false;
};

}  // namespace freshet::rpc
