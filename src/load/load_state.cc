#include "load/load_state.h"

#include <algorithm>
#include <variant>

#include <fmt/format.h>

#include "base/coding.h"
#include "base/limits.h"
#include "load/file_path.h"
#include "registry/expectation.h"

namespace freshet::load {
namespace {

constexpr uint8_t kVersion = 1;

uint8_t NumberOf(registry::FileFormat format) {
  switch (format) {
    case registry::FileFormat::kCsv:
      return 0;
    case registry::FileFormat::kJsonl:
      return 1;
    case registry::FileFormat::kParquet:
      return 2;
    case registry::FileFormat::kArrow:
      return 3;
  }
  return 0;
}

bool FindFormat(uint8_t number, registry::FileFormat* format) {
  for (const auto known : {registry::FileFormat::kCsv, registry::FileFormat::kJsonl,
                           registry::FileFormat::kParquet, registry::FileFormat::kArrow}) {
    if (NumberOf(known) == number) *format = known;
  }
  return NumberOf(*format) == number;
}

void AppendBreach(std::string& bytes, const ExpectationCounts::Breach& breach) {
  Append(bytes, breach.count);
  AppendSized(bytes, breach.first);
}

ExpectationCounts::Breach ReadBreach(ByteReader& reader) {
  ExpectationCounts::Breach breach;
  breach.count = reader.Read<uint64_t>();
  breach.first = reader.ReadSized();
  return breach;
}

void AppendCounts(std::string& bytes, const ExpectationCounts& counts) {
  Append(bytes, counts.rows);
  Append(bytes, counts.nulls);
  AppendSized(bytes, counts.first_null);
  AppendBreach(bytes, counts.outside);
  AppendBreach(bytes, counts.unknown);
}

ExpectationCounts ReadCounts(ByteReader& reader) {
  ExpectationCounts counts;
  counts.rows = reader.Read<uint64_t>();
  counts.nulls = reader.Read<uint64_t>();
  counts.first_null = reader.ReadSized();
  counts.outside = ReadBreach(reader);
  counts.unknown = ReadBreach(reader);
  return counts;
}

// Calls `read` as often as the number in front says, and not once more than there are bytes.
template <typename Read>
void ReadList(ByteReader& reader, Read read) {
  const auto count = reader.Read<uint32_t>();
  for (uint32_t i = 0; i < count && reader.ok(); ++i) read();
}

void AppendRequest(std::string& bytes, const LoadState& state) {
  AppendSized(bytes, state.view_text);
  Append(bytes, NumberOf(state.format));
  Append(bytes, state.bad_rows_share_max);
  Append(bytes, state.bad_rows_max);
  AppendSized(bytes, state.delete_column);
  AppendSized(bytes, state.origin.path);
  AppendSized(bytes, state.origin.s3_endpoint);
  Append(bytes, static_cast<uint32_t>(state.files.size()));
  for (const LoadFileIdentity& file : state.files) {
    AppendSized(bytes, file.name);
    Append(bytes, file.bytes);
    Append(bytes, file.modified_at_ns);
  }
}

bool ReadRequest(ByteReader& reader, LoadState* state) {
  state->view_text = reader.ReadSized();
  const bool is_format = FindFormat(reader.Read<uint8_t>(), &state->format);
  state->bad_rows_share_max = reader.Read<double>();
  state->bad_rows_max = reader.Read<uint64_t>();
  state->delete_column = reader.ReadSized();
  state->origin.path = reader.ReadSized();
  state->origin.s3_endpoint = reader.ReadSized();
  ReadList(reader, [&] {
    LoadFileIdentity& file = state->files.emplace_back();
    file.name = reader.ReadSized();
    file.bytes = reader.Read<uint64_t>();
    file.modified_at_ns = reader.Read<int64_t>();
  });
  return is_format && state->bad_rows_share_max >= 0 && state->bad_rows_share_max <= 1 &&
         !state->files.empty() && state->files.size() <= limits::kLoadFilesMax;
}

void AppendCounters(std::string& bytes, const LoadState& state) {
  Append(bytes, state.rows_read);
  Append(bytes, static_cast<uint32_t>(state.bad_rows.size()));
  for (const BadRow& row : state.bad_rows) {
    Append(bytes, row.line);
    AppendSized(bytes, row.reason);
    AppendSized(bytes, row.file);
  }
  Append(bytes, static_cast<uint32_t>(state.bad_rows_by_cause.size()));
  for (const auto& [cause, count] : state.bad_rows_by_cause) {
    AppendSized(bytes, cause);
    Append(bytes, count);
  }
  Append(bytes, static_cast<uint8_t>(state.lacking.has_value() ? 1 : 0));
  if (state.lacking.has_value()) {
    Append(bytes, static_cast<uint32_t>(state.lacking->size()));
    for (const uint32_t field : *state.lacking) Append(bytes, field);
  }
  Append(bytes, static_cast<uint32_t>(state.expectations.size()));
  for (const ExpectationCounts& counts : state.expectations) AppendCounts(bytes, counts);
}

bool ReadCounters(ByteReader& reader, LoadState* state) {
  state->rows_read = reader.Read<uint64_t>();
  ReadList(reader, [&] {
    BadRow& row = state->bad_rows.emplace_back();
    row.line = reader.Read<uint64_t>();
    row.reason = reader.ReadSized();
    row.file = reader.ReadSized();
  });
  ReadList(reader, [&] {
    std::string cause(reader.ReadSized());
    state->bad_rows_by_cause[std::move(cause)] += reader.Read<uint64_t>();
  });
  const auto has_lacking = reader.Read<uint8_t>();
  if (has_lacking == 1) {
    state->lacking.emplace();
    ReadList(reader, [&] { state->lacking->push_back(reader.Read<uint32_t>()); });
  }
  ReadList(reader, [&] { state->expectations.push_back(ReadCounts(reader)); });
  return has_lacking <= 1 && state->bad_rows.size() <= limits::kBadRowReportsMax &&
         state->bad_rows.size() <= state->rows_bad() && state->rows_bad() <= state->rows_read;
}

// What stays of a name when its files are moved: the part that fixes columns, and the file.
std::string_view Tail(std::string_view name) {
  name = FixingPart(name);
  const size_t last = name.rfind('/');
  if (last == std::string_view::npos) return name;
  const size_t equals = name.substr(0, last).find('=');
  const size_t slash = equals == std::string_view::npos ? last : name.rfind('/', equals);
  return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

}  // namespace

uint64_t LoadState::rows_bad() const {
  uint64_t bad = 0;
  for (const auto& [cause, count] : bad_rows_by_cause) bad += count;
  return bad;
}

std::string EncodeLoadState(const LoadState& state) {
  std::string bytes;
  Append(bytes, kVersion);
  AppendRequest(bytes, state);
  Append(bytes, state.file);
  Append(bytes, state.place.line);
  Append(bytes, state.place.offset);
  Append(bytes, state.place.head_bytes);
  AppendCounters(bytes, state);
  return bytes;
}

Result<LoadState> DecodeLoadState(std::string_view bytes) {
  ByteReader reader(bytes);
  const auto version = reader.Read<uint8_t>();
  LoadState state;
  bool sound = version == kVersion && ReadRequest(reader, &state);
  state.file = reader.Read<uint32_t>();
  state.place.line = reader.Read<uint64_t>();
  state.place.offset = reader.Read<uint64_t>();
  state.place.head_bytes = reader.Read<uint64_t>();
  sound = sound && state.file <= state.files.size() &&
          (state.file == state.files.size() || state.place.line > 0) &&
          state.place.head_bytes <= state.place.offset && ReadCounters(reader, &state);
  if (!sound || !reader.done())
    return Status::Corruption("the state of an unfinished load cannot be read");
  return state;
}

std::string ViewText(const registry::FeatureView& view) {
  const registry::BatchView& batch = *view.batch();
  const registry::Source& source = *batch.source;
  std::string text = view.name + "\n";
  for (size_t i = 0; i < view.entity->join_keys.size(); ++i) {
    const registry::JoinKey& key = view.entity->join_keys[i];
    text += fmt::format("key {} {} {}\n", key.name, TypeName(key.type),
                        source.fields[batch.key_fields[i]].name);
  }
  for (const registry::Field& field : source.fields)
    text += fmt::format("field {} {}\n", field.name, TypeName(field.type));
  text +=
      fmt::format("time {} {}\n", source.timestamp.field, static_cast<int>(source.timestamp.unit));
  if (const auto* file = std::get_if<registry::FileRows>(&source.kind)) {
    for (const std::string& null : file->nulls) text += fmt::format("null {}\n", null);
  }
  for (size_t i = 0; i < view.features.size(); ++i) {
    text += fmt::format("feature {} {} {}\n", view.features[i].name,
                        source.fields[batch.feature_fields[i]].name,
                        registry::ExpectationText(batch.expectations[i]));
  }
  return text + fmt::format("min_rows {}\n", batch.rows_min);
}

std::string_view NameInViewText(std::string_view text) {
  return text.substr(0, text.find('\n'));
}

Status CheckSameFiles(const std::vector<LoadFileIdentity>& began_with,
                      const std::vector<LoadFileIdentity>& now) {
  constexpr std::string_view way_out = "discard the load, and load what is there now";
  if (began_with.size() != now.size()) {
    return Status::FailedPrecondition(
        fmt::format("the load began with {} files, and now there are {}; {}", began_with.size(),
                    now.size(), way_out));
  }
  for (size_t i = 0; i < now.size(); ++i) {
    const LoadFileIdentity& before = began_with[i];
    if (Tail(before.name) != Tail(now[i].name)) {
      return Status::FailedPrecondition(
          fmt::format("the load began with {}, and now {} stands there; {}", before.name,
                      now[i].name, way_out));
    }
    if (before.bytes != now[i].bytes || before.modified_at_ns != now[i].modified_at_ns) {
      const std::string difference =
          before.bytes != now[i].bytes
              ? fmt::format("it has {} bytes, and had {}", now[i].bytes, before.bytes)
              : "the time of its last change is another";
      return Status::FailedPrecondition(fmt::format(
          "{} was changed since the load began with it: {}; {}", now[i].name, difference, way_out));
    }
  }
  return Status::Ok();
}

}  // namespace freshet::load
