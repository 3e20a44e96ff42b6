#include "load/row_reader.h"

#include "base/check.h"
#include "load/formats.h"

namespace freshet::load {
namespace {

struct Format {
  registry::FileFormat format;
  std::unique_ptr<RowReader> (*make)(const registry::Source& source);
};

constexpr Format kFormats[] = {
    {registry::FileFormat::kCsv, NewCsvRowReader},
    {registry::FileFormat::kJsonl, NewJsonlRowReader},
};

}  // namespace

std::unique_ptr<RowReader> NewRowReader(registry::FileFormat format,
                                        const registry::Source& source) {
  for (const Format& known : kFormats) {
    if (known.format == format) return known.make(source);
  }
  FRESHET_CHECK(!"a file format without a reader");
  return nullptr;
}

}  // namespace freshet::load
