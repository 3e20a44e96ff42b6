#include "load/record_batches.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include <arrow/io/interfaces.h>
#include <arrow/ipc/reader.h>
#include <arrow/util/int_util.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>

namespace freshet::load {
namespace {

// A little more than a power of two: Arrow makes room for the next one, and copies what it read when it reads ahead and
// that is too little.
constexpr int64_t kBatchRows = 4'160;
constexpr int64_t kReadBufferBytes = 1 << 20;
constexpr int64_t kSmallDictionaryBytesMax = 16 << 10;
constexpr std::string_view kIpcFileMagic = "ARROW1";

// A LoadFile as Arrow reads files. What went wrong in it is kept, since Arrow has fewer words.
class InputFile final : public arrow::io::RandomAccessFile {
 public:
  explicit InputFile(LoadFile& file) : file_(file) {}

  const Status& status() const { return status_; }

  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return closed_; }
  arrow::Result<int64_t> Tell() const override { return position_; }
  arrow::Status Seek(int64_t position) override {
    if (position < 0) return arrow::Status::Invalid("a place before the file's beginning");
    position_ = position;
    return arrow::Status::OK();
  }
  arrow::Result<int64_t> GetSize() override { return static_cast<int64_t>(file_.size()); }

  arrow::Result<int64_t> ReadAt(int64_t position, int64_t count, void* bytes) override {
    const auto size = static_cast<int64_t>(file_.size());
    if (position < 0 || count < 0) return arrow::Status::Invalid("a place outside of the file");
    count = std::min(count, std::max<int64_t>(0, size - position));
    if (count == 0) return 0;
    status_ = file_.ReadAt(static_cast<uint64_t>(position), static_cast<size_t>(count),
                           static_cast<char*>(bytes));
    if (!status_.ok()) return arrow::Status::IOError(std::string(status_.message()));
    return count;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(int64_t position, int64_t count) override {
    ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(std::max<int64_t>(0, count)));
    ARROW_ASSIGN_OR_RAISE(const int64_t got, ReadAt(position, count, buffer->mutable_data()));
    ARROW_RETURN_NOT_OK(buffer->Resize(got));
    return std::shared_ptr<arrow::Buffer>(std::move(buffer));
  }
  arrow::Result<int64_t> Read(int64_t count, void* bytes) override {
    ARROW_ASSIGN_OR_RAISE(const int64_t got, ReadAt(position_, count, bytes));
    position_ += got;
    return got;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t count) override {
    ARROW_ASSIGN_OR_RAISE(auto buffer, ReadAt(position_, count));
    position_ += buffer->size();
    return buffer;
  }

 private:
  LoadFile& file_;
  Status status_;
  int64_t position_ = 0;
  bool closed_ = false;
};

// Both formats answer columns in the order of the file.
struct ColumnOrder {
  explicit ColumnOrder(const std::vector<int>& wanted) : sorted(wanted) {
    std::sort(sorted.begin(), sorted.end());
    for (const int column : wanted) {
      const auto place = std::lower_bound(sorted.begin(), sorted.end(), column);
      ranks.push_back(static_cast<int>(place - sorted.begin()));
    }
  }
  ColumnOrder() = default;

  std::vector<int> sorted;
  std::vector<int> ranks;  // of the wanted columns among the sorted ones
};

// A format: a new one is a class of this kind and a line in RecordBatches::Open.
class BatchReader {
 public:
  virtual ~BatchReader() = default;
  virtual const arrow::Schema& schema() const = 0;
  // Batches will have these columns of the schema alone, in this order. Answers how many of the first
  // rows are left out: not more than are to be skipped.
  virtual arrow::Result<uint64_t> Begin(const std::vector<int>& columns, uint64_t rows_to_skip) = 0;
  // Null at the end.
  virtual arrow::Result<std::shared_ptr<arrow::RecordBatch>> Next() = 0;
  virtual double share_read() const = 0;
};

// Whether a column of bytes or text has few values in each row group, and nothing else than places among them. Arrow
// copies all values into each batch.
bool HasSmallDictionaries(const parquet::FileMetaData& file, int leaf) {
  const parquet::ColumnDescriptor& column = *file.schema()->Column(leaf);
  const bool is_nested = column.path()->ToDotVector().size() > 1;
  if (is_nested || column.physical_type() != parquet::Type::BYTE_ARRAY) return false;
  const auto is_place = [](const parquet::PageEncodingStats& pages) {
    return pages.page_type == parquet::PageType::DICTIONARY_PAGE ||
           pages.encoding == parquet::Encoding::PLAIN_DICTIONARY ||
           pages.encoding == parquet::Encoding::RLE_DICTIONARY;
  };
  for (int i = 0; i < file.num_row_groups(); ++i) {
    const auto chunk = file.RowGroup(i)->ColumnChunk(leaf);
    const auto& pages = chunk->encoding_stats();
    const bool has_dictionary = chunk->has_dictionary_page() && !pages.empty() &&
                                std::all_of(pages.begin(), pages.end(), is_place);
    if (!has_dictionary ||
        chunk->data_page_offset() - chunk->dictionary_page_offset() > kSmallDictionaryBytesMax)
      return false;
  }
  return true;
}

arrow::Status ReadSmallDictionaries(const parquet::FileMetaData& file,
                                    parquet::ArrowReaderProperties* properties) {
  BEGIN_PARQUET_CATCH_EXCEPTIONS
  for (int leaf = 0; leaf < file.num_columns(); ++leaf) {
    if (HasSmallDictionaries(file, leaf)) properties->set_read_dictionary(leaf, true);
  }
  return arrow::Status::OK();
  END_PARQUET_CATCH_EXCEPTIONS
}

// Arrow takes the places from the file as they are.
arrow::Status CheckPlaces(const arrow::Array& column) {
  if (column.type_id() != arrow::Type::DICTIONARY) return arrow::Status::OK();
  const auto& places = static_cast<const arrow::DictionaryArray&>(column);
  return arrow::internal::CheckIndexBounds(*places.indices()->data(),
                                           static_cast<uint64_t>(places.dictionary()->length()));
}

class ParquetBatches final : public BatchReader {
 public:
  static arrow::Result<std::unique_ptr<BatchReader>> Open(std::shared_ptr<InputFile> input) {
    parquet::ReaderProperties properties(arrow::default_memory_pool());
    // Pages as they are needed, not whole row groups at once.
    properties.enable_buffered_stream();
    properties.set_buffer_size(kReadBufferBytes);
    parquet::ArrowReaderProperties arrow_properties;
    arrow_properties.set_batch_size(kBatchRows);
    arrow_properties.set_pre_buffer(false);
    arrow_properties.set_coerce_int96_timestamp_unit(arrow::TimeUnit::MICRO);
    parquet::arrow::FileReaderBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Open(std::move(input), properties));
    const auto metadata = builder.raw_reader()->metadata();
    ARROW_RETURN_NOT_OK(ReadSmallDictionaries(*metadata, &arrow_properties));
    auto batches = std::make_unique<ParquetBatches>();
    ARROW_RETURN_NOT_OK(builder.properties(arrow_properties)->Build(&batches->file_));
    ARROW_RETURN_NOT_OK(batches->file_->GetSchema(&batches->schema_));
    batches->rows_ = metadata->num_rows();
    return std::unique_ptr<BatchReader>(std::move(batches));
  }

  const arrow::Schema& schema() const override { return *schema_; }

  arrow::Result<uint64_t> Begin(const std::vector<int>& columns, uint64_t rows_to_skip) override {
    const auto metadata = file_->parquet_reader()->metadata();
    int first = 0;
    for (; first < file_->num_row_groups(); ++first) {
      const int64_t rows = metadata->RowGroup(first)->num_rows();
      if (rows < 0 || static_cast<uint64_t>(rows_read_ + rows) > rows_to_skip) break;
      rows_read_ += rows;
    }
    std::vector<int> row_groups;
    for (int i = first; i < file_->num_row_groups(); ++i) row_groups.push_back(i);
    order_ = ColumnOrder(columns);
    ARROW_ASSIGN_OR_RAISE(reader_,
                          file_->GetRecordBatchReader(row_groups, LeavesOf(order_.sorted)));
    return static_cast<uint64_t>(rows_read_);
  }

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::RecordBatch> batch, reader_->Next());
    if (batch == nullptr) return batch;
    rows_read_ += batch->num_rows();
    for (const auto& column : batch->columns()) ARROW_RETURN_NOT_OK(CheckPlaces(*column));
    return batch->SelectColumns(order_.ranks);
  }

  double share_read() const override {
    return rows_ == 0 ? 1 : static_cast<double>(rows_read_) / static_cast<double>(rows_);
  }

 private:
  // Columns that a target can use are flat: one leaf each.
  std::vector<int> LeavesOf(const std::vector<int>& columns) const {
    std::vector<int> leaves;
    for (const int column : columns)
      leaves.push_back(file_->manifest().schema_fields[static_cast<size_t>(column)].column_index);
    return leaves;
  }

  std::unique_ptr<parquet::arrow::FileReader> file_;
  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<arrow::RecordBatchReader> reader_;
  ColumnOrder order_;
  int64_t rows_ = 0;
  int64_t rows_read_ = 0;
};

// Arrow's IPC file format, and its stream format, of which a file may hold one.
class IpcBatches final : public BatchReader {
 public:
  static arrow::Result<std::unique_ptr<BatchReader>> Open(std::shared_ptr<InputFile> input) {
    auto batches = std::make_unique<IpcBatches>();
    batches->input_ = std::move(input);
    ARROW_ASSIGN_OR_RAISE(const auto start, batches->input_->ReadAt(0, kIpcFileMagic.size()));
    batches->is_stream_ = start->ToString() != kIpcFileMagic;
    ARROW_RETURN_NOT_OK(batches->Reopen({}));
    return std::unique_ptr<BatchReader>(std::move(batches));
  }

  const arrow::Schema& schema() const override { return *schema_; }

  arrow::Result<uint64_t> Begin(const std::vector<int>& columns, uint64_t) override {
    order_ = ColumnOrder(columns);
    ARROW_RETURN_NOT_OK(Reopen(order_.sorted));
    return 0;
  }

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    std::shared_ptr<arrow::RecordBatch> batch;
    if (is_stream_) {
      ARROW_RETURN_NOT_OK(stream_->ReadNext(&batch));
    } else if (next_ < file_->num_record_batches()) {
      ARROW_ASSIGN_OR_RAISE(batch, file_->ReadRecordBatch(next_++));
    }
    if (batch == nullptr) return batch;
    // Offsets and indices come from the file as they are.
    ARROW_RETURN_NOT_OK(batch->ValidateFull());
    return batch->SelectColumns(order_.ranks);
  }

  double share_read() const override {
    if (!is_stream_) {
      const int count = file_->num_record_batches();
      return count == 0 ? 1 : static_cast<double>(next_) / count;
    }
    const auto position = input_->Tell();
    const auto size = input_->GetSize();
    if (!position.ok() || !size.ok() || *size == 0) return 1;
    return std::min(1.0, static_cast<double>(*position) / static_cast<double>(*size));
  }

 private:
  arrow::Status Reopen(std::vector<int> columns) {
    arrow::ipc::IpcReadOptions options = arrow::ipc::IpcReadOptions::Defaults();
    options.use_threads = false;
    options.included_fields = std::move(columns);
    if (is_stream_) {
      ARROW_RETURN_NOT_OK(input_->Seek(0));
      ARROW_ASSIGN_OR_RAISE(stream_,
                            arrow::ipc::RecordBatchStreamReader::Open(input_.get(), options));
      if (schema_ == nullptr) schema_ = stream_->schema();
    } else {
      ARROW_ASSIGN_OR_RAISE(file_, arrow::ipc::RecordBatchFileReader::Open(input_.get(), options));
      if (schema_ == nullptr) schema_ = file_->schema();
    }
    return arrow::Status::OK();
  }

  std::shared_ptr<InputFile> input_;
  bool is_stream_ = false;
  std::shared_ptr<arrow::Schema> schema_;  // of the whole file
  std::shared_ptr<arrow::ipc::RecordBatchStreamReader> stream_;
  std::shared_ptr<arrow::ipc::RecordBatchFileReader> file_;
  ColumnOrder order_;
  int next_ = 0;
};

// A reader's batches, and its errors in the words of the file.
class FileBatches final : public RecordBatches {
 public:
  FileBatches(std::shared_ptr<InputFile> input, std::string_view format_name)
      : input_(std::move(input)), format_name_(format_name) {}

  Status Open(arrow::Result<std::unique_ptr<BatchReader>> reader) {
    FRESHET_RETURN_IF_ERROR(FromArrow(reader.status()));
    reader_ = *std::move(reader);
    return Status::Ok();
  }

  const arrow::Schema& schema() const override { return reader_->schema(); }
  Result<uint64_t> Begin(const std::vector<int>& columns, uint64_t rows_to_skip) override {
    const auto skipped = reader_->Begin(columns, rows_to_skip);
    FRESHET_RETURN_IF_ERROR(FromArrow(skipped.status()));
    return *skipped;
  }
  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    auto batch = reader_->Next();
    FRESHET_RETURN_IF_ERROR(FromArrow(batch.status()));
    return *std::move(batch);
  }
  double share_read() const override { return reader_->share_read(); }

 private:
  Status FromArrow(const arrow::Status& status) const {
    if (status.ok()) return Status::Ok();
    FRESHET_RETURN_IF_ERROR(input_->status());
    if (status.IsOutOfMemory()) return Status::ResourceExhausted(status.message());
    return Status::InvalidArgument(
        fmt::format("not {} file that can be read: {}", format_name_, status.message()));
  }

  const std::shared_ptr<InputFile> input_;
  const std::string_view format_name_;
  std::unique_ptr<BatchReader> reader_;
};

}  // namespace

Result<std::unique_ptr<RecordBatches>> RecordBatches::Open(registry::FileFormat format,
                                                           LoadFile& file) {
  const bool is_parquet = format == registry::FileFormat::kParquet;
  auto input = std::make_shared<InputFile>(file);
  auto batches = std::make_unique<FileBatches>(input, is_parquet ? "a Parquet" : "an Arrow IPC");
  FRESHET_RETURN_IF_ERROR(
      batches->Open(is_parquet ? ParquetBatches::Open(input) : IpcBatches::Open(input)));
  return std::unique_ptr<RecordBatches>(std::move(batches));
}

}  // namespace freshet::load
