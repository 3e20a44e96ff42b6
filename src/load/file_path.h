// What a file's path says beside where the file is, whatever keeps the file.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "freshet/load.h"
#include "freshet/status.h"

#include "load/file_list.h"

namespace freshet::load {

// The parts `column=value` of its folders.
LoadFile::PathValues PathValuesOf(std::string_view path);
// Files and folders that programs keep beside data, by their name.
bool IsHidden(std::string_view name);
bool IsPattern(std::string_view path);

// InvalidArgument for a file that a load cannot take, by its name or because there are too many.
Status AddListed(std::unique_ptr<LoadFile> file, FileList* list);

}  // namespace freshet::load
