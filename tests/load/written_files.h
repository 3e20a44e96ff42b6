// Files that other programs wrote: pyarrow, DuckDB and Python's compressors. Made once per run.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "support/subprocess.h"
#include "support/temp_folder.h"

namespace freshet::load {

inline std::string WrittenFile(const std::string& name) {
  static const testing::TempFolder folder;
  static const testing::Finished written =
      testing::RunProgram({"/usr/bin/env", "python3", FRESHET_WRITE_FILES, folder.path()}, "",
                          {std::string("PYTHONPATH=") + FRESHET_PYTHON_PACKAGES});
  EXPECT_EQ(written.exit_code, 0) << written.err;
  return folder.File(name);
}

inline std::string WrittenBytes(const std::string& name) {
  return testing::ReadFile(WrittenFile(name));
}

}  // namespace freshet::load
