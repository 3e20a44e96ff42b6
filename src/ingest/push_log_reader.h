// The event log of a push source, inside Freshet's own store: one partition, number 0.
#pragma once

#include <memory>

#include "ingest/log_reader.h"

namespace freshet::ingest {

// `store` must outlive it.
std::unique_ptr<LogReader> NewPushLogReader(const registry::Source& source, store::Store& store);

}  // namespace freshet::ingest
