// Columns of text, aligned for a person.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace freshet::cli {

enum class Align : uint8_t { kLeft, kRight };

class Table {
 public:
  struct Heading {
    std::string text;
    Align align = Align::kLeft;
  };
  explicit Table(std::vector<Heading> headings);

  // One cell for each heading.
  void Add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  // Every line starts with `indent` and ends with a newline; no spaces at line ends.
  std::string Render(std::string_view indent = "") const;

 private:
  std::string RenderRow(const std::vector<std::string>& cells, const std::vector<size_t>& widths,
                        std::string_view indent) const;

  std::vector<Heading> headings_;
  std::vector<std::vector<std::string>> rows_;
};

// Code points of UTF-8 text.
size_t TextWidth(std::string_view text);
// What would move the cursor or break a line, written out as \n, \x1b and so on.
std::string Printable(std::string_view text);
// 1234567 -> "1 234 567".
std::string Grouped(uint64_t number);
// "1 file", "2 files".
std::string Counted(size_t count, std::string_view one, std::string_view many);

}  // namespace freshet::cli
