#include <algorithm>
#include <cstring>
#include <csv.h>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/nearest.h"
#include "load/byte_order_mark.h"
#include "load/formats.h"
#include "load/row_draft.h"

namespace freshet::load {
namespace {

using RowVisitor = FunctionRef<void(const FileRow& row)>;

constexpr std::string_view kQuoteProblem =
    "a quote stands inside a field that is not quoted, or text follows a closing quote; write a "
    "quote twice, inside quotes";
constexpr std::string_view kUnclosedProblem = "a quote that is opened in this row is never closed";

// libcsv's parser as an object.
class CsvParser {
 public:
  using FieldCallback = void (*)(void* text, size_t size, void* self);
  using RowCallback = void (*)(int terminator, void* self);

  CsvParser() { Open(); }
  ~CsvParser() { csv_free(&parser_); }
  CsvParser(const CsvParser&) = delete;
  CsvParser& operator=(const CsvParser&) = delete;

  // False when the bytes break the rules of quoting: Reset before the next call.
  bool Parse(std::string_view bytes, FieldCallback on_field, RowCallback on_row, void* self) {
    return csv_parse(&parser_, bytes.data(), bytes.size(), on_field, on_row, self) == bytes.size();
  }
  // Ends a last row without a line end. False when a quote is open.
  bool Finish(FieldCallback on_field, RowCallback on_row, void* self) {
    return csv_fini(&parser_, on_field, on_row, self) == 0;
  }
  void Reset() {
    csv_free(&parser_);
    Open();
  }

 private:
  void Open() {
    FRESHET_CHECK(csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL) == 0);
    // By default libcsv trims blanks around fields, which RFC 4180 counts as content.
    csv_set_space_func(&parser_, [](unsigned char) { return 0; });
    csv_set_blk_size(&parser_, 4'096);
  }

  csv_parser parser_;
};

// Drives libcsv line by line, because its callbacks tell no position: what it hands over during a
// line belongs to the row that is open then.
class CsvRowReader final : public RowReader {
 public:
  CsvRowReader(const registry::Source& source, Targets targets)
      : targets_(std::move(targets)), draft_(targets_) {
    const auto* file = std::get_if<registry::FileRows>(&source.kind);
    if (file != nullptr) nulls_ = file->nulls;
  }

  Status Feed(std::string_view bytes, RowVisitor visit) override {
    visit_ = &visit;
    return mark_.Feed(bytes, [this](std::string_view content) { return TakeContent(content); });
  }
  Status Finish(RowVisitor visit) override;
  uint64_t head_bytes() const override { return head_bytes_; }
  void GoOn(uint64_t offset, uint64_t line) override {
    // A short header may still be held back.
    status_ = mark_.Finish([this](std::string_view content) { return TakeContent(content); });
    taken_bytes_ = offset - mark_.bytes();
    line_ = line;
    after_carriage_return_ = false;
  }

 private:
  // Where the text of a wanted column lies in row_text_.
  struct Cell {
    size_t column = 0;
    size_t offset = 0;
    size_t size = 0;
  };

  Status TakeContent(std::string_view content);
  void TakeSegment(std::string_view segment);
  void ParseSegment(std::string_view segment);
  void CountLine(std::string_view segment);

  static void OnField(void* text, size_t size, void* self) {
    static_cast<CsvRowReader*>(self)->TakeField(static_cast<const char*>(text), size);
  }
  static void OnRow(int, void* self) { static_cast<CsvRowReader*>(self)->TakeRow(); }
  void TakeField(const char* text, size_t size);
  void TakeRow();

  void FailRow(const std::string& reason);
  void ReadHeader();
  // What keeps the header from being this source's; empty when nothing does.
  std::vector<std::string> HeaderProblems() const;
  void ReadRow();
  void ReadCell(const Cell& cell);
  void OpenRow();
  void HandOver();

  bool IsNull(std::string_view text) const {
    return std::find(nulls_.begin(), nulls_.end(), text) != nulls_.end();
  }

  const Targets targets_;
  std::vector<std::string> nulls_;
  RowDraft draft_;
  ByteOrderMark mark_;
  CsvParser parser_;
  Status status_;
  RowVisitor* visit_ = nullptr;  // of the call under way

  bool header_read_ = false;
  std::vector<std::string> header_;
  std::vector<const Target*> columns_;  // per column of the header; null where it is not wanted

  uint64_t taken_bytes_ = 0;  // of the content without its mark
  uint64_t head_bytes_ = 0;
  uint64_t line_ = 1;
  bool after_carriage_return_ = false;
  bool skipping_ = false;  // to the end of the line, after a row that cannot be read
  bool row_open_ = false;
  uint64_t row_line_ = 1;
  uint64_t row_offset_ = 0;
  size_t row_bytes_ = 0;
  size_t row_columns_ = 0;
  std::string row_text_;
  std::vector<Cell> cells_;  // of the open row, without the empty ones
};

// The first line of `bytes` with its line end, or all of them when none is complete. "\r\n" is one
// line end.
std::string_view FirstSegment(std::string_view bytes) {
  const void* newline = std::memchr(bytes.data(), '\n', bytes.size());
  const size_t size =
      newline == nullptr ? bytes.size() : static_cast<const char*>(newline) - bytes.data() + 1;
  const void* carriage_return = std::memchr(bytes.data(), '\r', size);
  if (carriage_return == nullptr) return bytes.substr(0, size);
  const size_t size_to_return = static_cast<const char*>(carriage_return) - bytes.data() + 1;
  const bool before_newline = newline != nullptr && size_to_return + 1 == size;
  return bytes.substr(0, before_newline ? size : size_to_return);
}

bool EndsLine(std::string_view segment) {
  return segment.back() == '\n' || segment.back() == '\r';
}

bool IsLineEndOnly(std::string_view segment) {
  return segment.front() == '\n' || segment.front() == '\r';
}

Status CsvRowReader::TakeContent(std::string_view content) {
  while (!content.empty() && status_.ok()) {
    const std::string_view segment = FirstSegment(content);
    TakeSegment(segment);
    CountLine(segment);
    taken_bytes_ += segment.size();
    if (header_read_ && head_bytes_ == 0) head_bytes_ = mark_.bytes() + taken_bytes_;
    content.remove_prefix(segment.size());
  }
  return status_;
}

void CsvRowReader::TakeSegment(std::string_view segment) {
  if (skipping_) {
    skipping_ = !EndsLine(segment);
    return;
  }
  if (!row_open_) {
    if (IsLineEndOnly(segment)) return;
    OpenRow();
  }
  ParseSegment(segment);
}

void CsvRowReader::ParseSegment(std::string_view segment) {
  row_bytes_ += segment.size();
  if (row_bytes_ > limits::kRowBytesMax) {
    FailRow(fmt::format("the row is longer than {} bytes; is a quote in it never closed?",
                        limits::kRowBytesMax));
  } else if (!parser_.Parse(segment, OnField, OnRow, this)) {
    FailRow(std::string(kQuoteProblem));
  } else {
    return;
  }
  parser_.Reset();
  skipping_ = !EndsLine(segment);
}

void CsvRowReader::CountLine(std::string_view segment) {
  const bool rest_of_line_end = after_carriage_return_ && segment == "\n";
  if (EndsLine(segment) && !rest_of_line_end) ++line_;
  after_carriage_return_ = segment.back() == '\r';
}

Status CsvRowReader::Finish(RowVisitor visit) {
  visit_ = &visit;
  FRESHET_RETURN_IF_ERROR(
      mark_.Finish([this](std::string_view content) { return TakeContent(content); }));
  if (row_open_ && status_.ok() && !parser_.Finish(OnField, OnRow, this)) {
    FailRow(std::string(kUnclosedProblem));
  }
  if (status_.ok() && !header_read_) {
    std::vector<std::string> names;
    for (const Target& target : targets_.all()) {
      if (!target.is_fixed) names.push_back(target.name);
    }
    return Status::InvalidArgument(
        fmt::format("the file is empty; its first line must be a header with the columns {}",
                    fmt::join(names, ", ")));
  }
  return status_;
}

void CsvRowReader::OpenRow() {
  row_open_ = true;
  row_line_ = line_;
  row_offset_ = mark_.bytes() + taken_bytes_;
  row_bytes_ = 0;
  row_columns_ = 0;
  row_text_.clear();
  cells_.clear();
}

void CsvRowReader::TakeField(const char* text, size_t size) {
  const size_t column = row_columns_++;
  if (!header_read_) {
    header_.emplace_back(text == nullptr ? "" : text, size);
    return;
  }
  if (text == nullptr || column >= columns_.size() || columns_[column] == nullptr) return;
  if (IsNull({text, size})) return;
  cells_.push_back({column, row_text_.size(), size});
  row_text_.append(text, size);
}

void CsvRowReader::TakeRow() {
  row_open_ = false;
  if (header_read_) {
    ReadRow();
  } else {
    ReadHeader();
  }
}

void CsvRowReader::FailRow(const std::string& reason) {
  row_open_ = false;
  if (!header_read_) {
    status_ = Status::InvalidArgument(
        fmt::format("line {}: the header cannot be read: {}", row_line_, reason));
    return;
  }
  draft_.Clear();
  draft_.Fail(reason, reason);
  HandOver();
}

void CsvRowReader::ReadHeader() {
  header_read_ = true;
  for (const std::string& name : header_) columns_.push_back(targets_.Find(name));
  for (const Target& target : targets_.all()) {
    const bool is_there = std::find(columns_.begin(), columns_.end(), &target) != columns_.end();
    if (target.is_optional && !target.is_fixed && !is_there) draft_.Lack(target);
  }
  const std::vector<std::string> problems = HeaderProblems();
  if (problems.empty()) return;
  status_ = Status::InvalidArgument(fmt::format("line {}: the header does not fit the source: {}",
                                                row_line_, fmt::join(problems, "; ")));
}

std::vector<std::string> CsvRowReader::HeaderProblems() const {
  if (header_.size() > limits::kFileColumnsMax) {
    return {fmt::format("it has {} columns, at most {} are allowed", header_.size(),
                        limits::kFileColumnsMax)};
  }
  std::vector<std::string> problems;
  for (const Target& target : targets_.all()) {
    const auto count = std::count(columns_.begin(), columns_.end(), &target);
    if (count == 0 && !target.is_fixed && !target.is_optional)
      problems.push_back(
          fmt::format("it lacks '{}'{}", target.name, Suggestion(target.name, header_)));
    if (count > 1) problems.push_back(fmt::format("it has '{}' {} times", target.name, count));
  }
  return problems;
}

void CsvRowReader::ReadRow() {
  draft_.Clear();
  if (row_columns_ != header_.size()) {
    draft_.Fail(fmt::format("the row has {} columns, the header {}", row_columns_, header_.size()),
                "another number of columns than the header's");
  }
  for (const Cell& cell : cells_) {
    if (draft_.failed()) break;
    ReadCell(cell);
  }
  HandOver();
}

void CsvRowReader::HandOver() {
  FileRow row = draft_.Finish(row_line_);
  row.offset = row_offset_;
  (*visit_)(row);
}

void CsvRowReader::ReadCell(const Cell& cell) {
  const Target& target = *columns_[cell.column];
  const std::string_view text = std::string_view(row_text_).substr(cell.offset, cell.size);
  Datum value;
  Problem problem = ReadText(target.type, target.unit, text, &value, draft_.DecodedOf(target));
  if (problem == Problem::kNone) problem = draft_.Set(target, value);
  if (problem == Problem::kNone) return;
  const std::string shown = fmt::format("'{}'", Shortened(text));
  draft_.Fail(target, shown, problem);
}

}  // namespace

std::unique_ptr<RowReader> NewCsvRowReader(const registry::Source& source, Targets targets) {
  return std::make_unique<CsvRowReader>(source, std::move(targets));
}

}  // namespace freshet::load
