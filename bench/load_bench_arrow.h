// Arrow's reading of the files of load_bench, which is all that it does with them.
#pragma once

#include "load_bench_rows.h"

namespace freshet::load_bench {

// Reads the whole file into record batches of the source's types, none of them inferred. Arrow parses and decodes
// in one thread; CSV and JSON lines it reads from disk in another one, some blocks of 1 MiB ahead.
void ReadWithArrow(const LoadFilePath& source);

}  // namespace freshet::load_bench
