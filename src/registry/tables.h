// Which table each feature of a view that a stream feeds lives in, and the layout of those tables.
//
// A layout must never hang on how the YAML is arranged, or live bytes would be read wrongly. It
// follows from the features that the catalog lists for the table, in the catalog's order:
// aggregations stand in the order of their first feature, windows by length; columns of rows in the
// order of the features.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "freshet/status.h"
#include "freshet/value.h"

#include "registry/catalog.h"
#include "registry/definitions.h"

namespace freshet::registry {

// Fills `view`'s tables and where its features are found. Features that `live` (null: a new view)
// has in a table stay there; all others go into one new table with an id from *next_id. *next gets
// the tables. InvalidArgument when a table breaks a rule of timelines.
Status AssignTables(const CatalogView* live, uint32_t* next_id, FeatureView* view,
                    CatalogView* next);

// Of the columns of a row of that table of the view.
std::vector<Type> ColumnTypesOf(const FeatureView& view, const RowTable& table);

// OK unless timelines could need more cells than a timeline may have, more bytes for these than it may
// have whatever is in them, or more bytes for the lifetime. InvalidArgument with the figures. Bytes are
// not asked for of a table that is live: what was applied goes on.
Status CheckSize(const TimelineTable& table, bool is_live);

// A size for people, as "13.4 KB".
std::string BytesText(size_t bytes);

}  // namespace freshet::registry
