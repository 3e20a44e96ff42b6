// Strict YAML: documents whose every node knows where it stands, read key by key so that what
// nobody asked for is an error.
//
// yaml-cpp stays behind this header. All problems of a document are collected as diagnostics
// instead of ending at the first.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/status.h"

namespace freshet::yaml {

// A place in a text file; line and column count from 1, 0 means the file as a whole.
struct Mark {
  std::string file;
  int line = 0;
  int column = 0;
};

struct Diagnostic {
  Mark mark;
  std::string message;
  // "file:line:column: message".
  std::string ToString() const;
};

// Gathers what is wrong, in the order of discovery.
class Diagnostics {
 public:
  void Add(Mark mark, std::string message) {
    list_.push_back({std::move(mark), std::move(message)});
  }
  bool empty() const { return list_.empty(); }
  // How many were added so far; a part of a document is right when reading it adds none.
  size_t size() const { return list_.size(); }
  // Sorted by file, line and column; equal ones once.
  std::vector<Diagnostic> Sorted() const;
  // One a line.
  std::string ToString() const;

 private:
  std::vector<Diagnostic> list_;
};

// One node: a scalar, a list or a map. Cheap to copy; keeps its document alive. Reading the wrong
// kind adds a diagnostic and returns nothing, so callers read on and report everything in one run.
// Columns count characters, not bytes.
class Node {
 public:
  // Parses `text`; syntax errors become diagnostics and nothing is returned. An empty file is an
  // empty map. Strict: one document a file, valid UTF-8, no tags, no control characters. Anchors
  // and aliases work. `diagnostics` must outlive every node of the document.
  static std::optional<Node> Parse(std::string file, std::string_view text,
                                   Diagnostics* diagnostics);

  Mark mark() const;
  // The place of a byte of the scalar's text, where the file spells the text on one line and
  // without escapes; else the scalar's beginning.
  Mark MarkAt(size_t offset) const;
  bool is_scalar() const;
  bool is_list() const;
  bool is_map() const;
  bool is_null() const;
  // A null that is written as the word, where a word is meant.
  bool is_word_null() const;
  // What the node is, for messages: "a text", "a list", "a map", "nothing".
  std::string_view kind_name() const;

  // `what` names the thing in messages, e.g. "window".
  // Any scalar, as it is spelled.
  std::optional<std::string> AsString(std::string_view what) const;
  // Numbers and truth values must stand without quotes; numbers are finite.
  std::optional<int64_t> AsInt(std::string_view what) const;
  std::optional<double> AsDouble(std::string_view what) const;
  std::optional<bool> AsBool(std::string_view what) const;
  // As ParseDurationMs: "90s", "7d"; > 0.
  std::optional<int64_t> AsDurationMs(std::string_view what) const;
  // A byte size: a whole number with B, KB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB
  // (powers of 1024), as in "512MB"; without a unit: bytes. >= 0.
  std::optional<int64_t> AsBytes(std::string_view what) const;
  std::vector<Node> AsList(std::string_view what) const;
  // Keys and values in file order; a key that stands twice is a diagnostic.
  std::vector<std::pair<Node, Node>> AsMap(std::string_view what) const;

  // The value of a key; nothing, and nothing reported, where there is no such key or no map.
  std::optional<Node> Peek(std::string_view key) const;

  // Whether the scalar was written in quotes (so that "true" is a text and true is not).
  bool is_quoted() const;
  void Report(std::string message) const;
  // At MarkAt(offset).
  void ReportAt(size_t offset, std::string message) const;

 private:
  struct Rep;
  std::shared_ptr<const Rep> rep_;
};

// Reads a map by its known keys. Done() reports every key that was not asked for, with the nearest
// known one.
class MapReader {
 public:
  // `what` names the map in messages, e.g. "feature view 'activity'". A node that is not a map is
  // reported and reads as empty.
  MapReader(const Node& node, std::string what);
  ~MapReader();

  // Whether the key is there; does not count as asking for it.
  bool Has(std::string_view key) const;
  // Nothing when the key is absent.
  std::optional<Node> Optional(std::string_view key);
  // Reports the key when it is absent.
  std::optional<Node> Required(std::string_view key);
  // Reports what is left.
  void Done();

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace freshet::yaml
