// Any bytes are either refused or a row, of a load or of a stream, that can be read and encoded again. The first byte and the
// next ones choose the columns.
#include <cmath>
#include <cstdint>

#include "base/check.h"
#include "store/row.h"
#include "store/stream_row.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace freshet;
  if (size == 0) return 0;
  std::vector<Type> columns(data[0] % 20);
  if (size < 1 + columns.size()) return 0;
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto kind = static_cast<Type::Kind>(1 + data[1 + i] % 9);
    columns[i] = kind == Type::kDecimal ? Type::Decimal(2) : Type(kind);
  }
  std::string_view row(reinterpret_cast<const char*>(data) + 1 + columns.size(),
                       size - 1 - columns.size());

  store::RowLayout layout(columns);
  if (store::StreamRow::Validate(layout, row).ok()) {
    const store::RowOrder order = store::StreamRow::Order(row);
    std::string again;
    store::StreamRow::AppendHeader(order.partition, order.offset, again);
    again += store::StreamRow::Row(row);
    FRESHET_CHECK(again == row);
    return 0;
  }
  if (!layout.Validate(row).ok()) return 0;
  if (store::RowLayout::IsTombstone(row)) {
    std::string again;
    store::RowLayout::EncodeTombstone(store::RowLayout::EventTimeMs(row), again);
    FRESHET_CHECK(again == row);
    return 0;
  }
  bool same_bytes = true;
  std::vector<Datum> values;
  for (size_t i = 0; i < columns.size(); ++i) {
    values.push_back(layout.Read(row, i));
    // A signalling NaN turns quiet on its way through a double.
    if (columns[i] == Type::kFloat && !values[i].is_null() && std::isnan(values[i].as_double()))
      same_bytes = false;
  }
  std::string again;
  layout.Encode(store::RowLayout::EventTimeMs(row), values, again);
  FRESHET_CHECK(layout.Validate(again).ok());
  FRESHET_CHECK(!same_bytes || again == row);
  return 0;
}
