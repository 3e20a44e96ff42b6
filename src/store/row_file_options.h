// How files of rows are written that are made outside of the database. Private to the module.
#pragma once

#include <rocksdb/options.h>

#include "store/store.h"

namespace freshet::store {

struct RowFileOptions {
  rocksdb::Options served;  // of files that are ingested into `rows`, and of those of a row folder
  rocksdb::Options read_back;  // of such files that are read once, to be merged with others
};

RowFileOptions NewRowFileOptions(const StoreOptions& options);

}  // namespace freshet::store
