#include "load/file_path.h"

#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/utf8.h"

namespace freshet::load {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// %2F and the like, as Hive and Spark write what a path cannot hold.
std::string Unescaped(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 &&
                        HexDigit(text[i + 2]) >= 0;
    if (escape) {
      plain += static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

}  // namespace

std::string_view FixingPart(std::string_view path) {
  constexpr std::string_view begin = "/./";
  const size_t last = path.rfind(begin);
  return last == std::string_view::npos ? path : path.substr(last + begin.size());
}

LoadFile::PathValues PathValuesOf(std::string_view path) {
  path = FixingPart(path);
  LoadFile::PathValues values;
  for (size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/')) {
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(slash + 1);
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    values.emplace_back(Unescaped(part.substr(0, equals)), Unescaped(part.substr(equals + 1)));
  }
  return values;
}

std::string PathFromAnywhere(const std::string& path) {
  std::error_code error;
  const std::string working_folder = std::filesystem::absolute(".", error).string();
  if (error || path.find("://") != std::string::npos) return path;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (error) return path;
  std::string plain = absolute.lexically_normal().string();
  // The path may be a folder.
  if (PathValuesOf(plain + "/") == PathValuesOf(path + "/")) return plain;
  return path.starts_with('/') ? path : working_folder + "/" + path;
}

bool IsHidden(std::string_view name) {
  return name.starts_with('.') || name.starts_with('_');
}

bool IsPattern(std::string_view path) {
  return path.find_first_of("*?[") != std::string_view::npos;
}

Status AddListed(std::unique_ptr<LoadFile> file, FileList* list) {
  const std::string& name = file->name();
  if (FirstInvalidUtf8(name) != std::string_view::npos)
    return Status::InvalidArgument(
        fmt::format("the name {} is not UTF-8; rename the file", ToUtf8(name)));
  if (list->files.size() == limits::kLoadFilesMax) {
    return Status::InvalidArgument(
        fmt::format("more than {} files; load them in parts", limits::kLoadFilesMax));
  }
  if (file->path_values().size() > limits::kPathValuesMax) {
    return Status::InvalidArgument(fmt::format("{}: the path fixes {} columns; at most {} can be",
                                               name, file->path_values().size(),
                                               limits::kPathValuesMax));
  }
  list->bytes += file->size();
  list->files.push_back(std::move(file));
  return Status::Ok();
}

}  // namespace freshet::load
