#include "engine/load_session.h"

#include <optional>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "load/adoption.h"
#include "registry/file_format.h"

namespace freshet::engine {
namespace {

LoadProgress::Phase ToPhase(load::LoadPhase phase) {
  switch (phase) {
    case load::LoadPhase::kRead:
      return LoadProgress::Phase::kRead;
    case load::LoadPhase::kSort:
      return LoadProgress::Phase::kSort;
    case load::LoadPhase::kPublish:
      return LoadProgress::Phase::kPublish;
  }
  return LoadProgress::Phase::kRead;
}

// What the request says, else what the view's source says. A view that cannot be loaded is load's
// to refuse.
Result<registry::FileFormat> FormatOf(const registry::Registry& registry,
                                      const LoadRequest& request) {
  if (!request.format.empty()) {
    const std::optional<registry::FileFormat> named = registry::FileFormatOfName(request.format);
    if (named.has_value()) return *named;
    return Status::InvalidArgument(fmt::format("format: '{}' is unknown; known are {}",
                                               request.format,
                                               fmt::join(registry::FileFormatNames(), ", ")));
  }
  const registry::FeatureView* view = registry.FindFeatureView(request.view);
  if (view == nullptr || view->batch() == nullptr) return registry::FileFormat::kCsv;
  const auto* file = std::get_if<registry::FileRows>(&view->batch()->source->kind);
  return file == nullptr ? registry::FileFormat::kCsv : file->format;
}

Result<load::LoadOptions> OptionsOf(const registry::Registry& registry, const LoadRequest& request,
                                    size_t memory_bytes) {
  load::LoadOptions options;
  FRESHET_ASSIGN_OR_RETURN(options.format, FormatOf(registry, request));
  options.bad_rows_share_max = request.bad_rows_share_max;
  options.bad_rows_max = request.bad_rows_max;
  if (request.on_bad_row != nullptr) {
    options.on_bad_row = [tell = request.on_bad_row](const load::BadRow& row) {
      tell({row.line, row.reason, row.file});
    };
  }
  options.memory_bytes = memory_bytes;
  options.kind = request.upsert ? store::LoadKind::kUpsert : store::LoadKind::kReplace;
  options.is_dry_run = request.dry_run;
  options.delete_column = request.delete_column;
  options.files = request.files;
  options.origin = request.origin;
  return options;
}

Result<std::unique_ptr<load::Load>> Start(std::shared_ptr<const registry::Registry> registry,
                                          const LoadRequest& request,
                                          const load::LoadOptions& options, store::Store& store) {
  if (request.resume != 0 && (request.dry_run || !request.adopt_folder.empty())) {
    return Status::InvalidArgument(
        "a load that is resumed has the options that it began with: it is no dry run, and adopts "
        "nothing");
  }
  if (request.resume != 0)
    return load::Load::Resume(std::move(registry), request.resume, options, store);
  if (!request.adopt_folder.empty()) {
    return load::StartAdoption(std::move(registry), request.view, options, request.adopt_folder,
                               store);
  }
  return load::Load::Start(std::move(registry), request.view, options, store);
}

class LoadSessionImpl final : public LoadSession {
 public:
  explicit LoadSessionImpl(std::unique_ptr<load::Load> load) : load_(std::move(load)) {}

  Status Feed(std::string_view bytes) override {
    while (!bytes.empty()) {
      const std::string_view chunk = bytes.substr(0, limits::kLoadChunkBytesMax);
      FRESHET_RETURN_IF_ERROR(load_->Feed(chunk));
      bytes.remove_prefix(chunk.size());
    }
    return Status::Ok();
  }

  Status ReadFile(LoadFile& file,
                  const std::function<void(const LoadProgress&)>& progress) override {
    return load_->ReadFile(file, [&] {
      if (progress) progress(Progress());
    });
  }

  Status Finish(const std::function<void(const LoadProgress&)>& progress) override {
    FRESHET_RETURN_IF_ERROR(load_->Finish([&](load::LoadPhase phase, uint64_t rows_done) {
      phase_ = ToPhase(phase);
      rows_done_ = rows_done;
      if (progress) progress(Progress());
    }));
    phase_ = LoadProgress::Phase::kDone;
    if (progress) progress(Progress());
    return Status::Ok();
  }

  void Cancel() override { load_->Cancel(); }

  LoadProgress Progress() const override {
    const load::LoadReport& report = load_->report();
    LoadProgress progress;
    progress.phase = phase_;
    progress.load_id = load_->id();
    progress.rows_resumed = report.rows_resumed;
    progress.bytes_read = report.bytes_read;
    progress.rows_read = report.rows_read;
    progress.rows_bad = report.rows_bad;
    progress.rows_written = phase_ == LoadProgress::Phase::kSort ? rows_done_ : report.rows_kept;
    progress.rows_duplicate = report.rows_duplicate;
    progress.rows_deleted = report.rows_deleted;
    progress.rows_older = report.rows_older;
    progress.rows_unchanged = report.rows_unchanged;
    progress.bytes_written = report.bytes_written;
    progress.read_ms = report.read_ms;
    progress.sort_ms = report.sort_ms;
    progress.publish_ms = report.publish_ms;
    for (const load::BadRow& row : report.bad_rows)
      progress.bad_rows.push_back({row.line, row.reason, row.file});
    progress.bad_rows_by_cause = report.bad_rows_by_cause;
    progress.broken_expectations = report.broken_expectations;
    progress.profile = report.profile;
    progress.build = report.build;
    return progress;
  }

 private:
  const std::unique_ptr<load::Load> load_;
  LoadProgress::Phase phase_ = LoadProgress::Phase::kRead;
  uint64_t rows_done_ = 0;
};

}  // namespace

Result<std::unique_ptr<LoadSession>> StartLoad(std::shared_ptr<const registry::Registry> registry,
                                               const LoadRequest& request, size_t memory_bytes,
                                               store::Store& store) {
  FRESHET_ASSIGN_OR_RETURN(const load::LoadOptions options,
                           OptionsOf(*registry, request, memory_bytes));
  FRESHET_ASSIGN_OR_RETURN(std::unique_ptr<load::Load> load,
                           Start(std::move(registry), request, options, store));
  if (const uint64_t id = load->id(); id != 0 && request.resume == 0)
    LogInfo("load {} of {} begins", id, request.view);
  else if (id != 0)
    LogInfo("load {} goes on after {} rows", id, load->report().rows_resumed);
  return std::unique_ptr<LoadSession>(std::make_unique<LoadSessionImpl>(std::move(load)));
}

Result<std::unique_ptr<LoadSession>> StartBuild(std::shared_ptr<const registry::Registry> registry,
                                                const LoadRequest& request, size_t memory_bytes,
                                                const std::string& folder) {
  FRESHET_ASSIGN_OR_RETURN(const load::LoadOptions options,
                           OptionsOf(*registry, request, memory_bytes));
  FRESHET_ASSIGN_OR_RETURN(
      std::unique_ptr<load::Load> load,
      load::Load::StartBuild(std::move(registry), request.view, options, folder));
  return std::unique_ptr<LoadSession>(std::make_unique<LoadSessionImpl>(std::move(load)));
}

Result<RollbackOutcome> RollBackView(const registry::Registry& registry, std::string_view view_name,
                                     store::Store& store) {
  FRESHET_ASSIGN_OR_RETURN(const registry::FeatureView* view,
                           load::FindBatchView(registry, view_name));
  FRESHET_RETURN_IF_ERROR(store.RollBack(view->id).Prefixed(view->name));
  const auto served = store.FindGeneration(view->id);
  if (served == nullptr) return Status::NotFound("the view was removed meanwhile");
  return RollbackOutcome{served->loaded_at_ms, served->row_count};
}

}  // namespace freshet::engine
