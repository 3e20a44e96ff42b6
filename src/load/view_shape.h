// The rows of a batch view, as the store lays them out.
#pragma once

#include "registry/definitions.h"
#include "store/manifest.h"

namespace freshet::load {

// The features of the view are the columns of its rows.
store::RowShape ShapeOf(const registry::FeatureView& view);

}  // namespace freshet::load
