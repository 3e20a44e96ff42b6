// One run of `freshet load` that reads rows: from files, a pipe or a built folder, into a server, a data folder or a
// folder of rows.
#pragma once

#include <cstdint>
#include <string>

#include "cli/exit_code.h"
#include "cli/unfinished_load.h"

namespace freshet::cli {

// What the words after `freshet load` say.
struct LoadArguments {
  std::string view;
  std::string file;
  std::string s3_endpoint;
  std::string format;
  std::string bad_rows_allowed = "0";
  std::string reject_file;
  bool json = false;
  bool rollback = false;
  bool dry_run = false;
  bool upsert = false;
  std::string delete_column;
  uint64_t resume = 0;   // a load's number
  uint64_t discard = 0;  // likewise
  LoadTarget target;
  std::string out_folder;  // not loaded but built here, of the views of `definitions`
  std::string definitions;
  std::string adopt_folder;  // in the place of a file
};

// Reads, loads and reports, bad rows and the way on after a failure too. Ctrl-C cancels it.
ExitCode RunLoadOfRows(const LoadArguments& arguments);

}  // namespace freshet::cli
