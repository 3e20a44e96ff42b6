#include "store/kept_loads.h"

#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "base/log.h"
#include "store/durable_file.h"

namespace freshet::store {
namespace {

Status CannotClear(const std::string& folder, const std::error_code& error) {
  return Status::IoError(fmt::format("cannot clear the folder {}: {}", folder, error.message()));
}

// Removes what the folder has except these names.
Status RemoveOthers(const std::string& folder, const std::set<std::string>& kept) {
  std::error_code error;
  std::filesystem::directory_iterator entries(folder, error);
  std::vector<std::filesystem::path> others;
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    if (!kept.contains(entries->path().filename().string())) others.push_back(entries->path());
  }
  for (const std::filesystem::path& other : others) {
    if (!error) std::filesystem::remove_all(other, error);
  }
  return error ? CannotClear(folder, error) : Status::Ok();
}

}  // namespace

Status KeptLoads::Recover() {
  FRESHET_RETURN_IF_ERROR(ReadRecords());
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) return CannotClear(folder_, error);
  std::set<std::string> folders;
  for (const auto& [load, record] : All()) {
    folders.insert(std::to_string(load));
    FRESHET_RETURN_IF_ERROR(RemoveUnnamed(load));
  }
  return RemoveOthers(folder_, folders);
}

Status KeptLoads::ReadRecords() {
  std::vector<std::string> useless;
  FRESHET_RETURN_IF_ERROR(database_.ScanMeta(KeptLoadRange(), [&](std::string_view key,
                                                                  std::string_view value) {
    TableId load = 0;
    const bool is_named = ParseKeptLoadKey(key, &load);
    Result<LoadRecord> record = DecodeLoadRecord(value);
    if (is_named && record.ok() && HasFiles(load, *record)) {
      std::lock_guard lock(mutex_);
      loads_[load] = *std::move(record);
      return Status::Ok();
    }
    LogError("what is kept of load {} cannot be used, and goes: {}", load,
             record.ok() ? "files are missing or have another size" : record.status().message());
    useless.emplace_back(key);
    return Status::Ok();
  }));
  if (useless.empty()) return Status::Ok();
  rocksdb::WriteBatch batch;
  for (const std::string& key : useless) batch.Delete(database_.meta(), key);
  return database_.Write(batch, Durability::kSynced, "forget loads that cannot be resumed");
}

bool KeptLoads::HasFiles(TableId load, const LoadRecord& record) const {
  for (const SortedParts::File& file : record.parts.files) {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(Folder(load) + "/" + file.name, error);
    if (error || bytes != file.bytes) return false;
  }
  return true;
}

Status KeptLoads::Keep(TableId load, const LoadRecord& record) {
  // The files are synced, but not yet that the folder has them.
  FRESHET_RETURN_IF_ERROR(SyncPath(Folder(load)));
  rocksdb::WriteBatch batch;
  batch.Put(database_.meta(), KeptLoadKey(load), EncodeLoadRecord(record));
  FRESHET_RETURN_IF_ERROR(
      database_.Write(batch, Durability::kSynced, "note what is loaded so far"));
  std::lock_guard lock(mutex_);
  loads_[load] = record;
  return Status::Ok();
}

std::optional<LoadRecord> KeptLoads::Find(TableId load) const {
  std::lock_guard lock(mutex_);
  const auto found = loads_.find(load);
  if (found == loads_.end()) return std::nullopt;
  return found->second;
}

std::map<TableId, LoadRecord> KeptLoads::All() const {
  std::lock_guard lock(mutex_);
  return loads_;
}

std::vector<TableId> KeptLoads::Before(uint32_t view_id, TableId load) const {
  std::vector<TableId> before;
  std::lock_guard lock(mutex_);
  for (const auto& [other, record] : loads_) {
    if (record.view_id == view_id && other < load) before.push_back(other);
  }
  return before;
}

void KeptLoads::AddRemoval(TableId load, rocksdb::WriteBatch& batch) const {
  batch.Delete(database_.meta(), KeptLoadKey(load));
}

void KeptLoads::Forget(TableId load) {
  std::lock_guard lock(mutex_);
  loads_.erase(load);
}

Status KeptLoads::Remove(TableId load) {
  Status unrecorded;
  if (Has(load)) {
    rocksdb::WriteBatch batch;
    AddRemoval(load, batch);
    unrecorded = database_.Write(batch, Durability::kSynced, "discard a load");
  }
  Status cleared = RemoveFolder(load);
  // Of what is left after either alone, the next start makes nothing again.
  if (unrecorded.ok() || cleared.ok()) Forget(load);
  return unrecorded.ok() ? std::move(cleared) : std::move(unrecorded);
}

Status KeptLoads::MakeFolder(TableId load) const {
  const std::string folder = Folder(load);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) return SyncPath(folder_);
  return Status::IoError(fmt::format("cannot make the folder {}: {}", folder, error.message()));
}

std::string KeptLoads::Folder(TableId load) const {
  return fmt::format("{}/{}", folder_, load);
}

Status KeptLoads::RemoveFolder(TableId load) const {
  std::error_code error;
  std::filesystem::remove_all(Folder(load), error);
  return error ? CannotClear(Folder(load), error) : Status::Ok();
}

Status KeptLoads::RemoveUnnamed(TableId load) const {
  const std::optional<LoadRecord> record = Find(load);
  if (!record.has_value()) return RemoveFolder(load);
  std::set<std::string> named;
  for (const SortedParts::File& file : record->parts.files) named.insert(file.name);
  return RemoveOthers(Folder(load), named);
}

}  // namespace freshet::store
