// A load of files, of the bytes of one, or of a folder of built rows: what Load promises, over a writer of the store.
// Its rows are read in file_load.cc, and become what is served in file_load_finish.cc.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/load.h"
#include "freshet/status.h"

#include "base/function_ref.h"
#include "base/thread_priority.h"
#include "load/expectations.h"
#include "load/load_state.h"
#include "load/loader.h"
#include "load/profile.h"
#include "load/row_encoder.h"
#include "load/text_file.h"
#include "registry/registry.h"
#include "store/row_folder.h"
#include "store/store.h"

namespace freshet::load {

// Times the phases of a load. One thread.
class PhaseTimer {
 public:
  // Adds the time since the last call, or since the start, to *phase_ms.
  void AddTo(int64_t* phase_ms) {
    const auto now = std::chrono::steady_clock::now();
    *phase_ms += std::chrono::duration_cast<std::chrono::milliseconds>(now - since_).count();
    since_ = now;
  }

 private:
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

class FileLoad final : public Load {
 public:
  // The view is one of the registry; a load that can be resumed has the files in its state.
  FileLoad(std::shared_ptr<const registry::Registry> registry, const registry::FeatureView& view,
           const LoadOptions& options, LoadState state,
           std::unique_ptr<store::GenerationWriter> writer);

  // As if what the state tells had happened here. Once, first.
  Status Restore();

  uint64_t id() const override { return id_; }

  Status Feed(std::string_view bytes) override;
  Status ReadFile(LoadFile& file, FunctionRef<void()> progress) override;
  Status ReadFolder(const store::RowFolder& folder, FunctionRef<void()> progress) override;
  Status Finish(FunctionRef<void(LoadPhase phase, uint64_t rows_done)> progress) override;
  void Cancel() override { cancelled_ = true; }
  const LoadReport& report() const override { return report_; }

 private:
  // Whether the load can be resumed.
  bool is_kept() const { return !state_.files.empty() && !options_.is_dry_run; }
  // What has to be known to go on with the row under way.
  std::string State();
  // The file is the next one that was listed, where files were.
  Status CheckListed(const LoadFile& file) const;

  // What keeps the load from going on.
  Status CheckOpen() const;
  // The text file that is fed; made when the first bytes come.
  Result<TextFile*> FedFile();
  Status FeedText(TextFile& text, std::string_view bytes);
  Status ReadTextFile(LoadFile& file, FunctionRef<void()> progress);
  Status ReadColumnFile(LoadFile& file, FunctionRef<void()> progress);
  Status ReadBuiltFile(const store::RowFolder& folder, const store::Manifest::File& file,
                       FunctionRef<void()> progress);
  Status CheckNotCancelled() const;
  Status FinishReading();
  // OK when the rows may be published.
  Status Judge() const;
  Status Publish(FunctionRef<void(LoadPhase phase, uint64_t rows_done)> progress);
  // All of it but the writing.
  Status Sort(FunctionRef<void(LoadPhase phase, uint64_t rows_done)> progress);
  void TakeCounts(const store::LoadCounts& counts);
  // OK when the rows are what the view expects.
  Status CheckExpectations(uint64_t rows_served);
  // Files of one load lack the same fields.
  Status TakeLacking(std::span<const uint32_t> lacking);
  // The columns of the view that the files do without.
  std::vector<bool> KeptColumns() const;
  void TakeRow(const FileRow& file_row);
  // What the view expects, and what the rows are like.
  void Look(const FileRow& file_row);
  void ReportBad(uint64_t line, std::string reason, std::string cause);
  // Nothing is kept of a load that would fail again.
  Status Fail(Status status, bool may_go_on = false);

  const std::shared_ptr<const registry::Registry> registry_;
  const LoadOptions options_;
  const registry::FeatureView& view_;
  const registry::Source& source_;
  const Wanted wanted_;
  std::optional<std::vector<uint32_t>> lacking_;  // fields that the files do without
  Yielder yielder_;
  RowEncoder encoder_;
  ExpectationCheck expectations_;
  std::optional<Profiler> profiler_;  // of a dry run
  std::unique_ptr<TextFile> fed_;
  uint32_t files_read_ = 0;
  std::string file_name_;                            // of the file under way
  std::unique_ptr<store::GenerationWriter> writer_;  // null once the load has ended, well or not
  LoadState state_;          // its counters are report_'s, until they are asked for
  uint32_t first_file_ = 0;  // to read; those before it are in what was kept
  std::optional<TextFile::Place> first_place_;  // in it
  const TextFile* text_ = nullptr;              // the one under way
  const uint64_t id_ = is_kept() ? writer_->id() : 0;
  LoadReport report_;
  PhaseTimer timer_;
  std::atomic<bool> cancelled_{false};
  Status status_;  // of the store while rows are read, and what ended the load
};

}  // namespace freshet::load
