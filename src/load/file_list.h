// Which files a path means, and reading them from this machine.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "freshet/load.h"
#include "freshet/status.h"

namespace freshet::load {

struct FileList {
  std::vector<std::unique_ptr<LoadFile>> files;  // by name
  uint64_t bytes = 0;                            // all together
  std::string format;                            // as all names tell it; empty when they do not
};

// One file; a folder: all files in it and in its folders, those apart whose names begin with '.' or
// '_'; or a pattern with *, ? and [...], each match a file or a folder. A part `column=value` of a
// path fixes a column, as Hive writes them. IoError, InvalidArgument when there are no files or when
// their names tell different formats. Any thread may read a file, one at a time.
Result<FileList> ListFiles(const std::string& path);

}  // namespace freshet::load
