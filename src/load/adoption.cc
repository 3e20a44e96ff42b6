#include "load/adoption.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "load/view_shape.h"

namespace freshet::load {
namespace {

std::optional<Type> FindType(const store::NamedTypes& list, const std::string& name) {
  const auto found = std::find(list.names.begin(), list.names.end(), name);
  if (found == list.names.end()) return std::nullopt;
  return list.types[static_cast<size_t>(found - list.names.begin())];
}

// Adds what differs, each with its name. `word` is what an element of the lists is called.
void AddDifferences(std::string_view word, const store::NamedTypes& built,
                    const store::NamedTypes& defined, std::vector<std::string>& differences) {
  if (built == defined) return;
  const size_t before = differences.size();
  for (size_t i = 0; i < defined.names.size(); ++i) {
    const std::string& name = defined.names[i];
    const std::optional<Type> type = FindType(built, name);
    if (!type.has_value())
      differences.push_back(fmt::format("it lacks the {} '{}'", word, name));
    else if (*type != defined.types[i])
      differences.push_back(fmt::format("its {} '{}' is {}, not {}", word, name, TypeName(*type),
                                        TypeName(defined.types[i])));
  }
  for (const std::string& name : built.names) {
    if (!FindType(defined, name).has_value())
      differences.push_back(fmt::format("its {} '{}' is none of the view's", word, name));
  }
  if (differences.size() > before) return;
  differences.push_back(fmt::format("its {}s are in the order {}, not {}", word,
                                    fmt::join(built.names, ", "), fmt::join(defined.names, ", ")));
}

LoadBuild BuildOf(const store::Manifest& manifest) {
  return {.built_at_ms = manifest.built_at_ms,
          .bytes_read = manifest.read.bytes_read,
          .rows_read = manifest.read.rows_read,
          .rows_bad = manifest.read.rows_bad,
          .rows_duplicate = manifest.rows_duplicate,
          .rows_deleted = manifest.rows_deleted};
}

class Adoption final : public Load {
 public:
  Adoption(store::RowFolder folder, std::unique_ptr<Load> load)
      : folder_(std::move(folder)), load_(std::move(load)) {
    TakeReport();
  }

  uint64_t id() const override { return 0; }
  Status Feed(std::string_view /*bytes*/) override { return TakesNoFiles(); }
  Status ReadFile(LoadFile& /*file*/, FunctionRef<void()> /*progress*/) override {
    return TakesNoFiles();
  }
  Status ReadFolder(const store::RowFolder& /*folder*/, FunctionRef<void()> /*progress*/) override {
    return TakesNoFiles();
  }
  Status Finish(FunctionRef<void(LoadPhase phase, uint64_t rows_done)> progress) override {
    const auto tell = [&](LoadPhase phase, uint64_t rows_done) {
      TakeReport();
      progress(phase, rows_done);
    };
    Status status =
        load_->ReadFolder(folder_, [&] { tell(LoadPhase::kRead, load_->report().rows_read); });
    if (status.ok()) status = load_->Finish(tell);
    TakeReport();
    return status;
  }
  void Cancel() override { load_->Cancel(); }
  const LoadReport& report() const override { return report_; }

 private:
  static Status TakesNoFiles() {
    return Status::FailedPrecondition("a load that adopts a folder takes no files");
  }
  void TakeReport() {
    report_ = load_->report();
    report_.build = BuildOf(folder_.manifest());
  }

  const store::RowFolder folder_;
  const std::unique_ptr<Load> load_;
  LoadReport report_;
};

}  // namespace

Status CheckFits(const store::RowFolder& folder, const registry::FeatureView& view) {
  const store::RowShape& built = folder.manifest().shape;
  const store::RowShape defined = ShapeOf(view);
  if (built.view != defined.view) {
    return Status::FailedPrecondition(
        fmt::format("{} was built for the feature view '{}', not for '{}'", folder.path(),
                    built.view, defined.view));
  }
  std::vector<std::string> differences;
  AddDifferences("join key", built.join_keys, defined.join_keys, differences);
  AddDifferences("feature", built.columns, defined.columns, differences);
  if (differences.empty()) return Status::Ok();
  return Status::FailedPrecondition(fmt::format(
      "{} was built with other definitions of the feature view '{}': {}. Build it again "
      "with those that are applied here",
      folder.path(), view.name, fmt::join(differences, "; ")));
}

Result<std::unique_ptr<Load>> StartAdoption(std::shared_ptr<const registry::Registry> registry,
                                            std::string_view view_name, const LoadOptions& options,
                                            const std::string& path, store::Store& store) {
  if (options.kind == store::LoadKind::kUpsert || !options.delete_column.empty()) {
    return Status::InvalidArgument(
        "a folder is adopted whole, in the place of what is served: its rows cannot be upserted");
  }
  FRESHET_ASSIGN_OR_RETURN(const registry::FeatureView* view, FindBatchView(*registry, view_name));
  FRESHET_ASSIGN_OR_RETURN(store::RowFolder folder, store::RowFolder::Open(path));
  FRESHET_RETURN_IF_ERROR(CheckFits(folder, *view));
  LoadOptions whole;
  whole.memory_bytes = options.memory_bytes;
  whole.is_dry_run = options.is_dry_run;
  FRESHET_ASSIGN_OR_RETURN(std::unique_ptr<Load> load,
                           Load::Start(std::move(registry), view_name, whole, store));
  return std::unique_ptr<Load>(std::make_unique<Adoption>(std::move(folder), std::move(load)));
}

}  // namespace freshet::load
