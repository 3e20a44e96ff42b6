#include "registry/file_format.h"

#include <array>
#include <utility>

#include "base/check.h"

namespace freshet::registry {
namespace {

constexpr std::array<std::pair<std::string_view, FileFormat>, 4> kNames = {{
    {"csv", FileFormat::kCsv},
    {"jsonl", FileFormat::kJsonl},
    {"parquet", FileFormat::kParquet},
    {"arrow", FileFormat::kArrow},
}};

constexpr std::array<std::pair<std::string_view, FileFormat>, 9> kEndings = {{
    {".csv", FileFormat::kCsv},
    {".jsonl", FileFormat::kJsonl},
    {".ndjson", FileFormat::kJsonl},
    {".parquet", FileFormat::kParquet},
    {".pq", FileFormat::kParquet},
    {".arrow", FileFormat::kArrow},
    {".arrows", FileFormat::kArrow},
    {".feather", FileFormat::kArrow},
    {".ipc", FileFormat::kArrow},
}};

constexpr std::array<std::string_view, 5> kCompressions = {".gz", ".zst", ".bz2", ".lz4", ".zstd"};

}  // namespace

const std::vector<std::string>& FileFormatNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& [name, format] : kNames) all.emplace_back(name);
    return all;
  }();
  return names;
}

std::string_view FileFormatName(FileFormat format) {
  for (const auto& [name, known] : kNames) {
    if (known == format) return name;
  }
  CheckFailed(__FILE__, __LINE__, "a file format that exists");
}

std::optional<FileFormat> FileFormatOfName(std::string_view name) {
  for (const auto& [known, format] : kNames) {
    if (known == name) return format;
  }
  return std::nullopt;
}

std::optional<FileFormat> FileFormatOfPath(std::string_view path) {
  for (std::string_view compression : kCompressions) {
    if (!path.ends_with(compression)) continue;
    path.remove_suffix(compression.size());
    break;
  }
  for (const auto& [ending, format] : kEndings) {
    if (path.ends_with(ending)) return format;
  }
  return std::nullopt;
}

}  // namespace freshet::registry
