#include "cli/table.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"

namespace freshet::cli {

Table::Table(std::vector<Heading> headings) : headings_(std::move(headings)) {}

void Table::Add(std::vector<std::string> cells) {
  FRESHET_CHECK(cells.size() == headings_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::Render(std::string_view indent) const {
  std::vector<std::string> titles;
  for (const Heading& heading : headings_) titles.push_back(heading.text);
  std::vector<size_t> widths;
  for (size_t column = 0; column < headings_.size(); ++column) {
    size_t width = TextWidth(titles[column]);
    for (const auto& row : rows_) width = std::max(width, TextWidth(row[column]));
    widths.push_back(width);
  }
  std::string text = RenderRow(titles, widths, indent);
  for (const auto& row : rows_) text += RenderRow(row, widths, indent);
  return text;
}

std::string Table::RenderRow(const std::vector<std::string>& cells,
                             const std::vector<size_t>& widths, std::string_view indent) const {
  std::string line(indent);
  for (size_t column = 0; column < cells.size(); ++column) {
    if (column > 0) line += "  ";
    const std::string padding(widths[column] - TextWidth(cells[column]), ' ');
    const bool right = headings_[column].align == Align::kRight;
    line += right ? padding + cells[column] : cells[column] + padding;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

size_t TextWidth(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0u) != 0x80;
  }));
}

std::string Printable(std::string_view text) {
  std::string printable;
  for (char byte : text) {
    const auto code = static_cast<unsigned char>(byte);
    if (byte == '\n')
      printable += "\\n";
    else if (byte == '\t')
      printable += "\\t";
    else if (code < 0x20 || code == 0x7F)
      printable += fmt::format("\\x{:02x}", code);
    else
      printable += byte;
  }
  return printable;
}

std::string Grouped(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t place = digits.size(); place > 3;) digits.insert(place -= 3, 1, ' ');
  return digits;
}

std::string Counted(size_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

}  // namespace freshet::cli
