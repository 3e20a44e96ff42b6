#include "load_bench_arrow.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <arrow/csv/options.h>
#include <arrow/csv/reader.h>
#include <arrow/io/file.h>
#include <arrow/io/interfaces.h>
#include <arrow/json/options.h>
#include <arrow/json/reader.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <parquet/arrow/reader.h>

#include "base/check.h"

namespace freshet::load_bench {
namespace {

using Batches = std::shared_ptr<arrow::RecordBatchReader>;
using File = std::shared_ptr<arrow::io::ReadableFile>;

// The fields of kDefinitions.
std::shared_ptr<arrow::Schema> SourceSchema() {
  return arrow::schema({
      arrow::field("user_id", arrow::int64()),
      arrow::field("at", arrow::int64()),
      arrow::field("age", arrow::int32()),
      arrow::field("score", arrow::float64()),
      arrow::field("spend", arrow::float64()),
      arrow::field("visits", arrow::int64()),
      arrow::field("country", arrow::utf8()),
      arrow::field("active", arrow::boolean()),
  });
}

int64_t CountRows(arrow::RecordBatchReader& batches) {
  int64_t rows = 0;
  while (const auto batch = batches.Next().ValueOrDie()) rows += batch->num_rows();
  return rows;
}

int64_t ReadParquet(File file) {
  parquet::arrow::FileReaderBuilder builder;
  FRESHET_CHECK(builder.Open(std::move(file)).ok());
  std::unique_ptr<parquet::arrow::FileReader> reader;
  FRESHET_CHECK(builder.Build(&reader).ok());
  return CountRows(*reader->GetRecordBatchReader().ValueOrDie());
}

int64_t ReadCsv(File file) {
  auto read = arrow::csv::ReadOptions::Defaults();
  read.use_threads = false;
  auto convert = arrow::csv::ConvertOptions::Defaults();
  const auto schema = SourceSchema();
  for (const auto& field : schema->fields()) convert.column_types[field->name()] = field->type();
  const Batches batches =
      arrow::csv::StreamingReader::Make(arrow::io::default_io_context(), std::move(file), read,
                                        arrow::csv::ParseOptions::Defaults(), convert)
          .ValueOrDie();
  return CountRows(*batches);
}

int64_t ReadJsonLines(File file) {
  auto read = arrow::json::ReadOptions::Defaults();
  read.use_threads = false;
  auto parse = arrow::json::ParseOptions::Defaults();
  parse.explicit_schema = SourceSchema();
  parse.unexpected_field_behavior = arrow::json::UnexpectedFieldBehavior::Error;
  const Batches batches =
      arrow::json::StreamingReader::Make(std::move(file), read, parse).ValueOrDie();
  return CountRows(*batches);
}

int64_t ReadRows(registry::FileFormat format, File file) {
  switch (format) {
    case registry::FileFormat::kParquet:
      return ReadParquet(std::move(file));
    case registry::FileFormat::kCsv:
      return ReadCsv(std::move(file));
    case registry::FileFormat::kJsonl:
      return ReadJsonLines(std::move(file));
    case registry::FileFormat::kArrow:
      break;
  }
  FRESHET_CHECK(false);
  return 0;
}

}  // namespace

void ReadWithArrow(const LoadFilePath& source) {
  File file = arrow::io::ReadableFile::Open(source.path).ValueOrDie();
  FRESHET_CHECK(ReadRows(source.format, std::move(file)) == RowCount());
}

}  // namespace freshet::load_bench
