#include "yaml/document.h"

#include <algorithm>
#include <deque>
#include <map>
#include <sstream>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "base/check.h"
#include "base/limits.h"
#include "yaml/text_check.h"

namespace freshet::yaml {

std::string Diagnostic::ToString() const {
  if (mark.line == 0) return fmt::format("{}: {}", mark.file, message);
  return fmt::format("{}:{}:{}: {}", mark.file, mark.line, mark.column, message);
}

std::vector<Diagnostic> Diagnostics::Sorted() const {
  auto order = [](const Diagnostic& each) {
    return std::tie(each.mark.file, each.mark.line, each.mark.column, each.message);
  };
  std::vector<Diagnostic> sorted = list_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Diagnostic& a, const Diagnostic& b) { return order(a) < order(b); });
  auto equal = [&](const Diagnostic& a, const Diagnostic& b) { return order(a) == order(b); };
  sorted.erase(std::unique(sorted.begin(), sorted.end(), equal), sorted.end());
  return sorted;
}

std::string Diagnostics::ToString() const {
  std::string text;
  for (const Diagnostic& each : Sorted()) {
    if (!text.empty()) text += '\n';
    text += each.ToString();
  }
  return text;
}

struct Node::Rep {
  enum class Kind : uint8_t { kNull, kScalar, kList, kMap };

  // Owns the nodes of one file, whose places it knows.
  struct Document {
    std::string file;
    std::string text;
    std::vector<size_t> line_starts;
    Diagnostics* diagnostics = nullptr;
    std::deque<Rep> nodes;

    // `line` and `byte_column` count from 0.
    size_t OffsetOf(int line, int byte_column) const;
    Mark MarkOf(size_t offset) const;
    // A blank behind the end.
    char CharacterAt(size_t offset) const { return offset < text.size() ? text[offset] : ' '; }
  };
  class TreeBuilder;

  const Document* document = nullptr;
  Kind kind = Kind::kNull;
  size_t offset = 0;
  bool is_quoted = false;
  bool is_open = false;              // its end was not read yet
  std::string text;                  // of a scalar
  std::vector<const Rep*> children;  // of a list; of a map: key, value, key, value, ...
  size_t node_count = 1;             // itself and all below it
};

size_t Node::Rep::Document::OffsetOf(int line, int byte_column) const {
  if (line < 0 || static_cast<size_t>(line) >= line_starts.size()) return text.size();
  return std::min(line_starts[line] + static_cast<size_t>(std::max(byte_column, 0)), text.size());
}

Mark Node::Rep::Document::MarkOf(size_t offset) const {
  auto next_line = std::upper_bound(line_starts.begin(), line_starts.end(), offset);
  size_t line_start = *(next_line - 1);
  std::string_view before = std::string_view(text).substr(line_start, offset - line_start);
  return {file, static_cast<int>(next_line - line_starts.begin()),
          static_cast<int>(CountCharacters(before)) + 1};
}

// Builds the tree from the parser's events. After the first fault it ignores the rest.
class Node::Rep::TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(Document& document) : document_(document) {}

  const Rep* root() const { return root_; }
  bool failed() const { return failed_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1)
      Fail(mark, "a second document begins here; a file holds one: remove the '---'");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Rep* node = Add(mark, Kind::kNull, "", anchor);
    // A value that is left out has the place of whatever comes next; its key tells more.
    if (node == nullptr || open_.empty() || open_.back()->kind != Kind::kMap) return;
    const std::vector<const Rep*>& siblings = open_.back()->children;
    bool is_value = siblings.size() % 2 == 0;
    bool is_written =
        std::string_view("~nN").find(document_.CharacterAt(node->offset)) != std::string_view::npos;
    if (is_value && !is_written) node->offset = siblings[siblings.size() - 2]->offset;
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (failed_) return;
    const Rep* target = anchors_[anchor];
    if (target == nullptr || target->is_open)
      return Fail(mark, "the alias stands inside what it names");
    Attach(mark, target);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Rep* node = Add(mark, Kind::kScalar, tag, anchor);
    if (node == nullptr) return;
    node->text = value;
    node->is_quoted = tag == "!";
    // yaml-cpp takes the end of the file for the missing quote.
    if (node->is_quoted && !IsQuoteClosed(std::string_view(document_.text).substr(node->offset)))
      Fail(mark, "not valid YAML: this quote is never closed");
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, Kind::kList, tag, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, Kind::kMap, tag, anchor);
  }
  void OnMapEnd() override { Close(); }

 private:
  void Fail(const YAML::Mark& mark, std::string message) {
    if (failed_) return;
    failed_ = true;
    document_.diagnostics->Add(document_.MarkOf(document_.OffsetOf(mark.line, mark.column)),
                               std::move(message));
  }

  Rep* Add(const YAML::Mark& mark, Kind kind, const std::string& tag, YAML::anchor_t anchor) {
    if (failed_) return nullptr;
    if (!tag.empty() && tag != "?" && tag != "!") {
      Fail(mark, fmt::format("the tag '{}' has no meaning here; remove it", tag));
      return nullptr;
    }
    Rep& node = document_.nodes.emplace_back();
    node.document = &document_;
    node.kind = kind;
    node.offset = document_.OffsetOf(mark.line, mark.column);
    if (anchor != 0) anchors_[anchor] = &node;
    Attach(mark, &node);
    return &node;
  }

  void Attach(const YAML::Mark& mark, const Rep* node) {
    if (open_.empty()) {
      root_ = node;
      return;
    }
    Rep* parent = open_.back();
    parent->children.push_back(node);
    parent->node_count += node->node_count;
    if (parent->node_count > limits::kYamlNodesMax)
      Fail(mark, fmt::format("more than {} values, aliases written out", limits::kYamlNodesMax));
  }

  void Open(const YAML::Mark& mark, Kind kind, const std::string& tag, YAML::anchor_t anchor) {
    if (open_.size() >= limits::kYamlDepthMax)
      Fail(mark, fmt::format("nested more than {} levels deep", limits::kYamlDepthMax));
    Rep* node = Add(mark, kind, tag, anchor);
    if (node == nullptr) return;
    node->is_open = true;
    open_.push_back(node);
  }

  void Close() {
    if (failed_) return;
    Rep* node = open_.back();
    open_.pop_back();
    node->is_open = false;
    if (!open_.empty()) open_.back()->node_count += node->node_count - 1;
  }

  Document& document_;
  const Rep* root_ = nullptr;
  std::vector<Rep*> open_;
  std::map<YAML::anchor_t, const Rep*> anchors_;
  int documents_ = 0;
  bool failed_ = false;
};

namespace {

// What to do about the syntax errors that people meet most.
std::string SyntaxMessage(const std::string& message) {
  std::string_view hint;
  if (message.find("tab") != std::string::npos) hint = "; indent with spaces";
  if (message == "illegal map value") hint = "; put a text that contains ': ' in quotes";
  if (message.find("end of map flow") != std::string::npos) hint = "; is a '}' or ',' missing?";
  if (message.find("end of sequence flow") != std::string::npos)
    hint = "; is a ']' or ',' missing?";
  if (message == "end of map not found" || message == "end of sequence not found")
    hint = "; check the indentation";
  return fmt::format("not valid YAML: {}{}", message, hint);
}

std::vector<size_t> LineStarts(std::string_view text) {
  std::vector<size_t> starts = {0};
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') starts.push_back(i + 1);
  }
  return starts;
}

}  // namespace

std::optional<Node> Node::Parse(std::string file, std::string_view text, Diagnostics* diagnostics) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  auto document = std::make_shared<Rep::Document>();
  document->file = std::move(file);
  document->text = text;
  document->line_starts = LineStarts(text);
  document->diagnostics = diagnostics;
  TextFault fault = FindTextFault(text);
  if (fault.message != nullptr) {
    diagnostics->Add(document->MarkOf(fault.offset), fault.message);
    return std::nullopt;
  }

  Rep::TreeBuilder builder(*document);
  try {
    std::istringstream in(document->text);
    YAML::Parser parser(in);
    while (!builder.failed() && parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    diagnostics->Add(document->MarkOf(document->OffsetOf(error.mark.line, error.mark.column)),
                     SyntaxMessage(error.msg));
    return std::nullopt;
  }
  if (builder.failed()) return std::nullopt;

  const Rep* root = builder.root();
  if (root == nullptr || root->kind == Rep::Kind::kNull) {
    Rep& empty = document->nodes.emplace_back();
    empty.document = document.get();
    empty.kind = Rep::Kind::kMap;
    root = &empty;
  }
  Node node;
  node.rep_ = std::shared_ptr<const Rep>(document, root);
  return node;
}

Mark Node::mark() const {
  return rep_->document->MarkOf(rep_->offset);
}

Mark Node::MarkAt(size_t offset) const {
  std::string_view file_text = rep_->document->text;
  size_t begin = rep_->offset + (rep_->is_quoted ? 1 : 0);
  bool is_spelled_out = begin <= file_text.size() &&
                        file_text.substr(begin, rep_->text.size()) == rep_->text &&
                        rep_->text.find('\n') == std::string::npos;
  if (!is_spelled_out || offset > rep_->text.size()) return mark();
  return rep_->document->MarkOf(begin + offset);
}

bool Node::is_scalar() const {
  return rep_->kind == Rep::Kind::kScalar;
}
bool Node::is_list() const {
  return rep_->kind == Rep::Kind::kList;
}
bool Node::is_map() const {
  return rep_->kind == Rep::Kind::kMap;
}
bool Node::is_null() const {
  return rep_->kind == Rep::Kind::kNull;
}
bool Node::is_word_null() const {
  if (!is_null()) return false;
  // The place of a value that is left out is that of whatever comes next.
  const std::string_view rest = std::string_view(rep_->document->text).substr(rep_->offset);
  const std::string_view word = rest.substr(0, rest.find_first_of(" \t\r\n,}]#"));
  return word == "null" || word == "Null" || word == "NULL";
}
bool Node::is_quoted() const {
  return rep_->is_quoted;
}

std::string_view Node::kind_name() const {
  switch (rep_->kind) {
    case Rep::Kind::kNull:
      return "nothing";
    case Rep::Kind::kScalar:
      return "a text";
    case Rep::Kind::kList:
      return "a list";
    case Rep::Kind::kMap:
      return "a map";
  }
  return "nothing";
}

void Node::Report(std::string message) const {
  rep_->document->diagnostics->Add(mark(), std::move(message));
}

void Node::ReportAt(size_t offset, std::string message) const {
  rep_->document->diagnostics->Add(MarkAt(offset), std::move(message));
}

std::optional<std::string> Node::AsString(std::string_view what) const {
  if (is_scalar()) return rep_->text;
  Report(is_null() ? fmt::format("{} has no value", what)
                   : fmt::format("{} must be a single value, not {}", what, kind_name()));
  return std::nullopt;
}

std::vector<Node> Node::AsList(std::string_view what) const {
  std::vector<Node> list;
  if (!is_list()) {
    Report(fmt::format("{} must be a list, not {}", what, kind_name()));
    return list;
  }
  for (const Rep* child : rep_->children) {
    list.emplace_back().rep_ = std::shared_ptr<const Rep>(rep_, child);
  }
  return list;
}

std::optional<Node> Node::Peek(std::string_view key) const {
  for (size_t i = 0; is_map() && i < rep_->children.size(); i += 2) {
    const Rep* each = rep_->children[i];
    if (each->kind != Rep::Kind::kScalar || each->text != key) continue;
    Node value;
    value.rep_ = std::shared_ptr<const Rep>(rep_, rep_->children[i + 1]);
    return value;
  }
  return std::nullopt;
}

std::vector<std::pair<Node, Node>> Node::AsMap(std::string_view what) const {
  std::vector<std::pair<Node, Node>> entries;
  if (!is_map()) {
    Report(fmt::format("{} must be a map of keys and values, not {}", what, kind_name()));
    return entries;
  }
  FRESHET_CHECK(rep_->children.size() % 2 == 0);
  std::map<std::string_view, Node> first_keys;
  for (size_t i = 0; i < rep_->children.size(); i += 2) {
    Node key;
    key.rep_ = std::shared_ptr<const Rep>(rep_, rep_->children[i]);
    Node value;
    value.rep_ = std::shared_ptr<const Rep>(rep_, rep_->children[i + 1]);
    if (key.is_scalar()) {
      auto [first, is_new] = first_keys.emplace(key.rep_->text, key);
      if (!is_new) {
        key.Report(fmt::format("the key '{}' stands twice in {}; the first is in line {}",
                               key.rep_->text, what, first->second.mark().line));
        continue;
      }
    }
    entries.emplace_back(std::move(key), std::move(value));
  }
  return entries;
}

}  // namespace freshet::yaml
