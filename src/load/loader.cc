#include "load/loader.h"

#include <algorithm>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/nearest.h"
#include "load/file_load.h"
#include "load/kept_load.h"
#include "load/load_state.h"
#include "load/view_shape.h"
#include "store/row_folder_writer.h"

namespace freshet::load {
namespace {

using registry::FeatureView;

Status CheckOptions(const LoadOptions& options) {
  if (!(options.bad_rows_share_max >= 0 && options.bad_rows_share_max <= 1)) {
    return Status::InvalidArgument(
        fmt::format("the share of bad rows that is allowed is {}; it must be from 0 to 1",
                    options.bad_rows_share_max));
  }
  if (options.memory_bytes < limits::kLoadMemoryBytesMin) {
    return Status::InvalidArgument(
        fmt::format("a load needs at least {} bytes of memory to sort in, not {}",
                    limits::kLoadMemoryBytesMin, options.memory_bytes));
  }
  return Status::Ok();
}

LoadState StateOf(const FeatureView& view, const LoadOptions& options) {
  LoadState state;
  state.view_text = ViewText(view);
  state.format = options.format;
  state.bad_rows_share_max = options.bad_rows_share_max;
  state.bad_rows_max = options.bad_rows_max;
  state.delete_column = options.delete_column;
  state.origin = options.origin;
  const bool can_tell_changes =
      std::all_of(options.files.begin(), options.files.end(),
                  [](const LoadFileIdentity& file) { return file.modified_at_ns != 0; });
  if (can_tell_changes) state.files = options.files;
  return state;
}

}  // namespace

Result<const FeatureView*> FindBatchView(const registry::Registry& registry,
                                         std::string_view name) {
  const FeatureView* view = registry.FindFeatureView(name);
  if (view != nullptr && view->batch() != nullptr && view->fed_by() == nullptr) return view;
  if (view != nullptr && view->batch() != nullptr) {
    const bool is_push = std::holds_alternative<registry::PushLog>(view->fed_by()->kind);
    return Status::FailedPrecondition(
        fmt::format("the rows of feature view '{}' come from the stream '{}' and not from loads; "
                    "{} rows there: "
                    "those that are older than what an entity has change nothing",
                    name, view->fed_by()->name, is_push ? "push" : "produce"));
  }
  if (view != nullptr) {
    return Status::FailedPrecondition(fmt::format(
        "the feature view '{}' is not loaded from files: only a view whose source has 'file:' is",
        name));
  }
  std::vector<std::string> loadable;
  for (const auto& known : registry.feature_views()) {
    if (known->batch() != nullptr && known->fed_by() == nullptr) loadable.push_back(known->name);
  }
  return Status::NotFound(
      fmt::format("no feature view is called '{}'{}", name, Suggestion(name, loadable)));
}

Result<std::unique_ptr<Load>> Load::Start(std::shared_ptr<const registry::Registry> registry,
                                          std::string_view view_name, const LoadOptions& options,
                                          store::Store& store) {
  FRESHET_RETURN_IF_ERROR(CheckOptions(options));
  FRESHET_ASSIGN_OR_RETURN(const FeatureView* view, FindBatchView(*registry, view_name));
  auto started =
      options.kind == store::LoadKind::kUpsert
          ? store.NewUpsert(view->id, ColumnNames(*view), ColumnTypes(*view), options.memory_bytes)
          : store.NewGeneration(view->id, ColumnNames(*view), ColumnTypes(*view),
                                options.memory_bytes);
  FRESHET_ASSIGN_OR_RETURN(std::unique_ptr<store::GenerationWriter> writer, std::move(started));
  return std::unique_ptr<Load>(std::make_unique<FileLoad>(
      std::move(registry), *view, options, StateOf(*view, options), std::move(writer)));
}

Result<std::unique_ptr<Load>> Load::Resume(std::shared_ptr<const registry::Registry> registry,
                                           uint64_t id, const LoadOptions& options,
                                           store::Store& store) {
  FRESHET_RETURN_IF_ERROR(CheckOptions(options));
  FRESHET_ASSIGN_OR_RETURN(KeptLoad kept, FindKept(*registry, id, store));
  FRESHET_RETURN_IF_ERROR(CheckSameFiles(kept.state.files, options.files));
  const FeatureView& view = *kept.view;
  FRESHET_ASSIGN_OR_RETURN(
      std::unique_ptr<store::GenerationWriter> writer,
      store.ResumeLoad(kept.id, ColumnNames(view), ColumnTypes(view), options.memory_bytes));
  // What was kept may have grown until the load was ours.
  FRESHET_ASSIGN_OR_RETURN(kept, FindKept(*registry, id, store));
  LoadOptions resumed = options;
  resumed.format = kept.state.format;
  resumed.bad_rows_share_max = kept.state.bad_rows_share_max;
  resumed.bad_rows_max = kept.state.bad_rows_max;
  resumed.kind = kept.kind;
  resumed.delete_column = kept.state.delete_column;
  resumed.is_dry_run = false;
  auto load = std::make_unique<FileLoad>(std::move(registry), view, resumed, std::move(kept.state),
                                         std::move(writer));
  FRESHET_RETURN_IF_ERROR(load->Restore());
  return std::unique_ptr<Load>(std::move(load));
}

Result<std::unique_ptr<Load>> Load::StartBuild(std::shared_ptr<const registry::Registry> registry,
                                               std::string_view view_name,
                                               const LoadOptions& options,
                                               const std::string& folder) {
  FRESHET_RETURN_IF_ERROR(CheckOptions(options));
  if (options.kind == store::LoadKind::kUpsert || options.is_dry_run) {
    return Status::InvalidArgument(
        "rows are built whole: an upsert and a dry run need the rows that are served");
  }
  FRESHET_ASSIGN_OR_RETURN(const FeatureView* view, FindBatchView(*registry, view_name));
  FRESHET_ASSIGN_OR_RETURN(
      std::unique_ptr<store::GenerationWriter> writer,
      store::NewRowFolder(
          {.folder = folder, .shape = ShapeOf(*view), .memory_bytes = options.memory_bytes}));
  return std::unique_ptr<Load>(std::make_unique<FileLoad>(std::move(registry), *view, options,
                                                          LoadState(), std::move(writer)));
}

}  // namespace freshet::load
