// The formats of files that rows are loaded from.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/definitions.h"

namespace freshet::registry {

const std::vector<std::string>& FileFormatNames();
std::string_view FileFormatName(FileFormat format);
// Nothing when no format is called so.
std::optional<FileFormat> FileFormatOfName(std::string_view name);
// By the path's ending, before that of a compression; nothing when it does not tell.
std::optional<FileFormat> FileFormatOfPath(std::string_view path);

}  // namespace freshet::registry
