// What a file's path says beside where the file is, whatever keeps the file.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "freshet/load.h"
#include "freshet/status.h"

#include "load/file_list.h"

namespace freshet::load {

// What of a path can fix columns: what comes after its last folder `.`, where it has one behind another
// folder, else all of it. So /data/year=2026/./users.csv fixes none.
std::string_view FixingPart(std::string_view path);
// The parts `column=value` of its folders.
LoadFile::PathValues PathValuesOf(std::string_view path);
// A path to the same files from any working folder, by which they fix the same columns. What it cannot be
// made of, as a URL, stays as it is.
std::string PathFromAnywhere(const std::string& path);
// Files and folders that programs keep beside data, by their name.
bool IsHidden(std::string_view name);
bool IsPattern(std::string_view path);

// InvalidArgument for a file that a load cannot take, by its name or because there are too many.
Status AddListed(std::unique_ptr<LoadFile> file, FileList* list);

}  // namespace freshet::load
