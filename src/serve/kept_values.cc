#include "serve/kept_values.h"

#include <cstring>
#include <string_view>

#include "base/coding.h"

namespace freshet::serve {
namespace {

// A note in memory: this, then a word for each feature, of a text its begin and its size among the texts as u32 each; then a status
// for each feature unless all are PRESENT; then the texts.
struct KeptHeader {
  uint64_t read_number = 0;
  timeline::ReadTimes held_at;
  bool has_absent = false;
  bool has_texts = false;
};

struct KeptShape {
  bool has_absent = false;
  bool has_texts = false;
  bool has_failed = false;
  size_t text_bytes = 0;
};

bool IsText(const BlockWriter& writer, uint32_t slot) {
  return writer.slot(slot).kind == Datum::Kind::kString;
}

KeptShape ShapeOf(const StreamRead& read, uint32_t row, const BlockWriter& writer) {
  KeptShape shape;
  for (const uint32_t slot : read.slots) {
    const FeatureStatus status = writer.StatusAt(slot, row);
    shape.has_failed |= status == FeatureStatus::kFailed;
    shape.has_absent |= status != FeatureStatus::kPresent;
    if (!IsText(writer, slot)) continue;
    shape.has_texts = true;
    if (status == FeatureStatus::kPresent)
      shape.text_bytes += writer.ValueAt(slot, row).as_string().size();
  }
  return shape;
}

void PutAbsentOrText(uint32_t slot, uint32_t row, FeatureStatus status, uint64_t word,
                     std::string_view texts, BlockWriter& writer) {
  if (status != FeatureStatus::kPresent) {
    writer.PutDefault(slot, row, status);
  } else if (IsText(writer, slot)) {
    writer.PutText(slot, row, texts.substr(word >> 32, static_cast<uint32_t>(word)));
  } else {
    writer.PutWord(slot, row, word);
  }
}

}  // namespace

bool PutKept(const StreamRead& read, const store::Note& note, int64_t now_ms, uint32_t row,
             BlockWriter& writer) {
  const std::string_view bytes = note.bytes();
  if (bytes.empty()) return false;
  KeptHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.read_number != read.number || !header.held_at.Contains(now_ms)) return false;
  const char* word_at = bytes.data() + sizeof(header);
  if (!header.has_absent && !header.has_texts) {
    for (const uint32_t slot : read.slots) {
      writer.PutWord(slot, row, Load<uint64_t>(word_at));
      word_at += sizeof(uint64_t);
    }
    return true;
  }
  const size_t count = read.slots.size();
  const char* const statuses = word_at + count * sizeof(uint64_t);
  const size_t status_bytes = header.has_absent ? count : 0;
  const std::string_view texts =
      bytes.substr(static_cast<size_t>(statuses - bytes.data()) + status_bytes);
  for (size_t i = 0; i < count; ++i) {
    const auto status =
        header.has_absent ? static_cast<FeatureStatus>(statuses[i]) : FeatureStatus::kPresent;
    PutAbsentOrText(read.slots[i], row, status, Load<uint64_t>(word_at + i * sizeof(uint64_t)),
                    texts, writer);
  }
  return true;
}

void Keep(const StreamRead& read, const timeline::ReadTimes& held_at, uint32_t row,
          const BlockWriter& writer, size_t bytes_max, store::Note* note) {
  if (held_at.from_ms >= held_at.until_ms) return;
  const KeptShape shape = ShapeOf(read, row, writer);
  const size_t count = read.slots.size();
  const size_t fixed_bytes =
      sizeof(KeptHeader) + count * sizeof(uint64_t) + (shape.has_absent ? count : 0);
  if (shape.has_failed || fixed_bytes + shape.text_bytes > bytes_max) return;
  char* const bytes = note->Leave(fixed_bytes + shape.text_bytes);
  const KeptHeader header = {read.number, held_at, shape.has_absent, shape.has_texts};
  std::memcpy(bytes, &header, sizeof(header));
  char* word_at = bytes + sizeof(header);
  char* status_at = word_at + count * sizeof(uint64_t);
  char* const texts = bytes + fixed_bytes;
  uint64_t text_end = 0;
  for (const uint32_t slot : read.slots) {
    const FeatureStatus status = writer.StatusAt(slot, row);
    uint64_t word = 0;
    if (status == FeatureStatus::kPresent && IsText(writer, slot)) {
      const std::string_view text = writer.ValueAt(slot, row).as_string();
      text.copy(texts + text_end, text.size());
      word = text_end << 32 | text.size();
      text_end += text.size();
    } else if (status == FeatureStatus::kPresent) {
      word = writer.WordAt(slot, row);
    }
    Save(word_at, word);
    word_at += sizeof(word);
    if (shape.has_absent) *status_at++ = static_cast<char>(status);
  }
}

}  // namespace freshet::serve
