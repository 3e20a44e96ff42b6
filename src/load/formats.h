// The readers behind NewRowReader, one per format.
#pragma once

#include <memory>

#include "load/row_reader.h"
#include "load/targets.h"

namespace freshet::load {

// RFC 4180: comma, double quotes, a header line. Columns may stand in any order; those that the
// source does not name are ignored. An empty field is null, and so is what the source's `nulls` has;
// an empty quoted field is the empty string.
// Blank lines are skipped; lines end with \n, \r\n or \r. Spaces belong to the field. A quote
// inside an unquoted field, or text after a closing quote, spoils the row: reading goes on after
// the next line end.
std::unique_ptr<RowReader> NewCsvRowReader(const registry::Source& source, Targets targets);

// One JSON object a line; blank lines are skipped. An absent field is null. Fields that the source
// does not name are ignored.
std::unique_ptr<RowReader> NewJsonlRowReader(const registry::Source& source, Targets targets);

}  // namespace freshet::load
