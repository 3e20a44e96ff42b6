#include "load/row_reader.h"

#include <utility>

#include "base/check.h"
#include "load/formats.h"

namespace freshet::load {
namespace {

struct Format {
  registry::FileFormat format;
  std::unique_ptr<RowReader> (*make)(const registry::Source& source, Targets targets);
};

constexpr Format kFormats[] = {
    {registry::FileFormat::kCsv, NewCsvRowReader},
    {registry::FileFormat::kJsonl, NewJsonlRowReader},
};

}  // namespace

std::unique_ptr<RowReader> NewRowReader(registry::FileFormat format, const registry::Source& source,
                                        Targets targets) {
  for (const Format& known : kFormats) {
    if (known.format == format) return known.make(source, std::move(targets));
  }
  FRESHET_CHECK(!"a text format without a reader");
  return nullptr;
}

}  // namespace freshet::load
