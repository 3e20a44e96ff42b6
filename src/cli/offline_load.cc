#include "cli/offline_load.h"

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/function_ref.h"

namespace freshet::cli {
namespace {

Status Cancelled() {
  return Status::Cancelled("the load was cancelled: nothing was changed");
}

// A file whose reading ends with Cancelled once it is to.
class CancellableFile final : public LoadFile {
 public:
  CancellableFile(LoadFile& file, const std::function<bool()>& cancelled)
      : LoadFile(file.name(), file.size(), file.path_values(), file.modified_at_ns()),
        file_(file),
        cancelled_(cancelled) {}
  ~CancellableFile() override { file_.Close(); }

  Status ReadAt(uint64_t offset, size_t count, char* bytes) override {
    return cancelled_() ? Cancelled() : file_.ReadAt(offset, count, bytes);
  }
  void Close() override { file_.Close(); }

 private:
  LoadFile& file_;
  const std::function<bool()>& cancelled_;
};

// One load: what `read` gives to its session, then its end. *outcome is how far it came, whatever
// happens.
Status RunSession(const StartSession& start, const LoadRequest& request,
                  FunctionRef<Status(LoadSession& session)> read,
                  const std::function<void(const LoadProgress&)>& progress,
                  const std::function<bool()>& cancelled, LoadProgress* outcome) {
  FRESHET_ASSIGN_OR_RETURN(const std::unique_ptr<LoadSession> session, start(request));
  Status status = read(*session);
  if (status.ok() && cancelled()) status = Cancelled();
  if (status.ok()) {
    status = session->Finish([&](const LoadProgress& now) {
      progress(now);
      if (cancelled()) session->Cancel();
    });
  }
  *outcome = session->Progress();
  return status;
}

}  // namespace

Status LoadFilesOffline(const StartSession& start, const LoadRequest& request,
                        const std::vector<LoadFile*>& files,
                        const std::function<void(const LoadProgress&)>& progress,
                        const std::function<bool()>& cancelled, LoadProgress* outcome) {
  const auto read = [&](LoadSession& session) {
    for (LoadFile* file : files) {
      CancellableFile cancellable(*file, cancelled);
      FRESHET_RETURN_IF_ERROR(session.ReadFile(cancellable, progress));
    }
    return Status::Ok();
  };
  return RunSession(start, request, read, progress, cancelled, outcome);
}

Status LoadOffline(const StartSession& start, const LoadRequest& request,
                   const std::function<Result<std::string>()>& next_chunk,
                   const std::function<void(const LoadProgress&)>& progress,
                   const std::function<bool()>& cancelled, LoadProgress* outcome) {
  const auto read = [&](LoadSession& session) {
    while (true) {
      if (cancelled()) return Cancelled();
      FRESHET_ASSIGN_OR_RETURN(const std::string chunk, next_chunk());
      if (chunk.empty()) return Status::Ok();
      FRESHET_RETURN_IF_ERROR(session.Feed(chunk));
      progress(session.Progress());
    }
  };
  return RunSession(start, request, read, progress, cancelled, outcome);
}

}  // namespace freshet::cli
