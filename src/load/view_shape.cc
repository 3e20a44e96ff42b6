#include "load/view_shape.h"

#include "load/row_encoder.h"

namespace freshet::load {

store::RowShape ShapeOf(const registry::FeatureView& view) {
  store::RowShape shape;
  shape.view = view.name;
  for (const registry::JoinKey& key : view.entity->join_keys) {
    shape.join_keys.names.push_back(key.name);
    shape.join_keys.types.push_back(key.type);
  }
  shape.columns = {ColumnNames(view), ColumnTypes(view)};
  return shape;
}

}  // namespace freshet::load
