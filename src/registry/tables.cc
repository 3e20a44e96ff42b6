#include "registry/tables.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/time.h"
#include "registry/parameters.h"
#include "registry/scope.h"

namespace freshet::registry {
namespace {

// The features of one table as positions in the view, in the catalog's order.
using Members = std::vector<uint32_t>;

std::optional<timeline::Window> WindowOf(const StreamView& stream, uint32_t feature) {
  const WindowedFeature& windowed = stream.windowed[feature];
  if (!windowed.window.has_value()) return std::nullopt;
  return stream.aggregations[windowed.aggregation].windows[*windowed.window];
}

// Aggregations in the order of their first feature.
std::vector<uint32_t> AggregationsOf(const StreamView& stream, const Members& members) {
  std::vector<uint32_t> aggregations;
  for (uint32_t feature : members) {
    uint32_t aggregation = stream.windowed[feature].aggregation;
    if (std::find(aggregations.begin(), aggregations.end(), aggregation) == aggregations.end())
      aggregations.push_back(aggregation);
  }
  return aggregations;
}

// In the order of a schema, each once.
std::vector<timeline::Window> WindowsOf(const StreamView& stream, const Members& members) {
  std::vector<timeline::Window> windows;
  for (uint32_t feature : members) {
    std::optional<timeline::Window> window = WindowOf(stream, feature);
    if (window.has_value() && std::find(windows.begin(), windows.end(), *window) == windows.end())
      windows.push_back(*window);
  }
  std::sort(windows.begin(), windows.end(), timeline::IsBefore);
  return windows;
}

Result<TimelineTable> MakeTable(const StreamView& stream, TableId id, const Members& members) {
  timeline::Schema::Options options;
  options.windows = WindowsOf(stream, members);
  options.head_hop_ms = stream.head_hop_ms;
  options.clock_skew_ms = stream.source->clock_skew_ms;
  options.exact_head = stream.exact;
  if (stream.source->deduplication.has_value())
    options.deduplicate_ms = stream.source->deduplication->within_ms;
  TimelineTable table;
  table.id = id;
  table.aggregations = AggregationsOf(stream, members);
  for (uint32_t aggregation : table.aggregations)
    options.aggregations.push_back(stream.aggregations[aggregation].function);
  for (uint32_t feature : members)
    options.has_lifetime = options.has_lifetime || !stream.windowed[feature].window.has_value();
  FRESHET_ASSIGN_OR_RETURN(table.schema, timeline::Schema::Create(std::move(options)));
  return table;
}

void SetWants(StreamView& stream, uint32_t table_index, const Members& members) {
  const TimelineTable& table = stream.tables[table_index];
  const std::vector<timeline::Window>& windows = table.schema.windows();
  for (uint32_t feature : members) {
    WindowedFeature& windowed = stream.windowed[feature];
    windowed.table = table_index;
    auto aggregation =
        std::find(table.aggregations.begin(), table.aggregations.end(), windowed.aggregation);
    windowed.want.aggregation = static_cast<uint32_t>(aggregation - table.aggregations.begin());
    windowed.want.window.reset();
    std::optional<timeline::Window> window = WindowOf(stream, feature);
    if (!window.has_value()) continue;
    auto position = std::find(windows.begin(), windows.end(), *window);
    FRESHET_CHECK(position != windows.end());
    windowed.want.window = static_cast<uint32_t>(position - windows.begin());
  }
}

// "3600000/60000", "3600000/60000:exact", "tumbling:3600000", "session:1800000:86400000", "last:10",
// "week:America/New_York:sunday", and behind it what goes back.
std::string SpellWindow(const timeline::Window& window) {
  std::string text;
  switch (window.kind) {
    case timeline::WindowKind::kSliding:
      text = fmt::format("{}/{}{}", window.window_ms, window.hop_ms, window.exact ? ":exact" : "");
      break;
    case timeline::WindowKind::kSession:
      text = fmt::format("session:{}:{}", window.window_ms, window.longest_ms);
      break;
    case timeline::WindowKind::kLastEvents:
      text = fmt::format("last:{}", window.events);
      break;
    case timeline::WindowKind::kTumbling:
      text = fmt::format("tumbling:{}", window.window_ms);
      break;
    case timeline::WindowKind::kCalendar:
      const timeline::Calendar::Options& calendar = window.calendar->options();
      text = fmt::format("{}:{}:{}", timeline::CalendarUnitName(calendar.unit), calendar.time_zone,
                         timeline::WeekdayName(calendar.week_starts));
      break;
  }
  if (window.periods_back > 0) text += fmt::format(":back={}", window.periods_back);
  if (window.offset_ms > 0) text += fmt::format(":offset={}", window.offset_ms);
  return text;
}

// Everything that the bytes of a timeline hang on.
std::string LayoutOf(const TimelineTable& table) {
  const timeline::Schema::Options& options = table.schema.options();
  std::vector<std::string> windows;
  for (const timeline::Window& window : options.windows) windows.push_back(SpellWindow(window));
  std::vector<std::string> slots;
  for (const auto& function : options.aggregations) {
    std::vector<std::string> arguments;
    if (function->takes_input) arguments.emplace_back(TypeName(function->input));
    for (const auto& [key, value] : SpellParameters(*function))
      arguments.push_back(fmt::format("{}={}", key, value));
    if ((function->takes & aggregate::kTakesBy) != 0)
      arguments.push_back(fmt::format("by={}", TypeName(function->parameters.by_type)));
    slots.push_back(fmt::format("{}({})", function->name, fmt::join(arguments, " ")));
  }
  std::string head = fmt::format("head={}", options.head_hop_ms);
  if (options.exact_head) head += ":exact";
  if (options.deduplicate_ms > 0) head += fmt::format(" deduplicate={}", options.deduplicate_ms);
  return fmt::format("{} skew={} windows={} lifetime={} slots={}", head, options.clock_skew_ms,
                     fmt::join(windows, ","), options.has_lifetime ? 1 : 0, fmt::join(slots, ","));
}

Status AddTimelineTable(TableId id, const Members& members, FeatureView* view, CatalogView* next) {
  StreamView& stream = std::get<StreamView>(view->kind);
  FRESHET_ASSIGN_OR_RETURN(TimelineTable table, MakeTable(stream, id, members));
  stream.tables.push_back(std::move(table));
  SetWants(stream, static_cast<uint32_t>(stream.tables.size() - 1), members);
  CatalogTable& entry = next->tables.emplace_back();
  entry.id = id;
  for (uint32_t feature : members) entry.features.push_back(view->features[feature].name);
  entry.layout = LayoutOf(stream.tables.back());
  return Status::Ok();
}

// The columns of its rows are the members in their order.
void AddRowTable(TableId id, const Members& members, FeatureView* view, CatalogView* next) {
  auto& batch = std::get<BatchView>(view->kind);
  batch.columns.resize(view->features.size());
  CatalogTable& entry = next->tables.emplace_back();
  entry.id = id;
  for (uint32_t column = 0; column < members.size(); ++column) {
    batch.columns[members[column]] = {static_cast<uint32_t>(batch.tables.size()), column};
    entry.features.push_back(view->features[members[column]].name);
  }
  batch.tables.push_back({id, members});
  std::vector<std::string_view> types;
  for (const Type type : ColumnTypesOf(*view, batch.tables.back())) types.push_back(TypeName(type));
  entry.layout = fmt::format("rows={}", fmt::join(types, ","));
}

Status AddTable(TableId id, const Members& members, FeatureView* view, CatalogView* next) {
  if (view->stream() != nullptr) return AddTimelineTable(id, members, view, next);
  AddRowTable(id, members, view, next);
  return Status::Ok();
}

}  // namespace

std::vector<Type> ColumnTypesOf(const FeatureView& view, const RowTable& table) {
  std::vector<Type> types;
  for (const uint32_t feature : table.features) types.push_back(view.features[feature].type);
  return types;
}

Status AssignTables(const CatalogView* live, uint32_t* next_id, FeatureView* view,
                    CatalogView* next) {
  std::set<uint32_t> placed;
  if (live != nullptr) {
    for (const CatalogTable& table : live->tables) {
      Members members;
      for (const std::string& name : table.features) {
        std::optional<uint32_t> feature = FindFeatureOf(*view, name);
        if (feature.has_value() && placed.insert(*feature).second) members.push_back(*feature);
      }
      if (!members.empty()) FRESHET_RETURN_IF_ERROR(AddTable(table.id, members, view, next));
    }
  }
  Members fresh;
  for (uint32_t feature = 0; feature < view->features.size(); ++feature) {
    if (placed.count(feature) == 0) fresh.push_back(feature);
  }
  if (fresh.empty()) return Status::Ok();
  return AddTable((*next_id)++, fresh, view, next);
}

namespace {

// What makes a timeline need fewer cells.
std::string FewerCells(const timeline::Schema::Options& options) {
  const bool has_sessions =
      std::any_of(options.windows.begin(), options.windows.end(),
                  [](const auto& window) { return window.kind == timeline::WindowKind::kSession; });
  std::string ways =
      options.exact_head ? "shorter offsets, a view with hops" : "larger hops or shorter windows";
  if (has_sessions) ways += ", or sessions with larger gaps or a smaller `longest`,";
  return ways;
}

Status CheckCells(const TimelineTable& table) {
  if (table.schema.CellsMax() < limits::kTimelineCellsMax) return Status::Ok();
  const timeline::Schema::Options& options = table.schema.options();
  std::vector<std::string> parts;
  int64_t shorter_ms = 0;
  if (options.clock_skew_ms > 0) {
    parts.push_back(fmt::format(
        "clock_skew {} in hops of {}: {}", FormatDurationMs(options.clock_skew_ms),
        FormatDurationMs(options.head_hop_ms), options.clock_skew_ms / options.head_hop_ms));
  }
  int64_t offset_ms = 0;
  for (const timeline::Window& window : options.windows)
    offset_ms = std::max(offset_ms, window.offset_ms);
  if (offset_ms > 0) {
    parts.push_back(fmt::format("offset {} in hops of {}: {}", FormatDurationMs(offset_ms),
                                FormatDurationMs(options.head_hop_ms),
                                offset_ms / options.head_hop_ms));
  }
  for (const timeline::Window& window : options.windows) {
    if (window.kind == timeline::WindowKind::kSession) {
      const int64_t cell_ms = timeline::GridOf(window, options.head_hop_ms).step_ms;
      parts.push_back(fmt::format("{} in cells of {}: {}", timeline::Describe(window),
                                  FormatDurationMs(cell_ms), timeline::DepthMs(window) / cell_ms));
    }
    if (window.kind != timeline::WindowKind::kSliding) continue;
    parts.push_back(fmt::format("window {} in hops of {}: {}", FormatDurationMs(window.window_ms),
                                FormatDurationMs(window.hop_ms),
                                (window.window_ms - shorter_ms) / window.hop_ms));
    shorter_ms = window.window_ms;
  }
  return Status::InvalidArgument(fmt::format(
      "an entity's timeline could need too many cells, {} or more (about: {}); {} need fewer",
      limits::kTimelineCellsMax, fmt::join(parts, "; "), FewerCells(options)));
}

// Without what sketches, lists and texts hold: those let go of the oldest cells at run time.
Status CheckCellBytes(const TimelineTable& table) {
  const size_t cells = table.schema.CellsMax();
  const size_t cell_bytes = table.schema.cell_fixed_bytes();
  if (cells * cell_bytes <= limits::kTimelineBytesMax) return Status::Ok();
  return Status::InvalidArgument(fmt::format(
      "the cells of an entity's timeline could need too many bytes: {} cells of {} are {}, and at "
      "most {} are allowed; {} need fewer cells, and fewer aggregations in the view smaller ones",
      cells, BytesText(cell_bytes), BytesText(cells * cell_bytes),
      BytesText(limits::kTimelineBytesMax), FewerCells(table.schema.options())));
}

Status CheckLastEvents(const TimelineTable& table) {
  const size_t events = table.schema.last_events();
  if (events == 0) return Status::Ok();
  const size_t kept = events + limits::kLastEventsSpare;
  const size_t event_bytes = table.schema.single_event_bytes();
  if (kept * event_bytes <= limits::kRecentBytesMax) return Status::Ok();
  return Status::InvalidArgument(
      fmt::format("the last {} events of an entity could need too many bytes: {} are kept, of {} "
                  "each, and at most {} are allowed; a smaller `last`, or fewer aggregations in "
                  "the view, need fewer",
                  events, kept, BytesText(event_bytes), BytesText(limits::kRecentBytesMax)));
}

// Nothing of the lifetime can go, so all that it may come to must have room.
Status CheckLifetime(const TimelineTable& table) {
  const timeline::Schema::Options& options = table.schema.options();
  const size_t bytes = table.schema.CellBytesMax({});
  if (!options.has_lifetime || bytes <= limits::kLifetimeBytesMax) return Status::Ok();
  const aggregate::Aggregate* largest = nullptr;
  size_t largest_bytes = 0;
  for (const auto& function : options.aggregations) {
    const size_t function_bytes = function->bytes_max(function->parameters, {});
    if (function_bytes <= largest_bytes) continue;
    largest = function.get();
    largest_bytes = function_bytes;
  }
  return Status::InvalidArgument(fmt::format(
      "what an entity's timeline keeps over the lifetime could need too many bytes: {} with texts "
      "of {}, {} of them for one {}, and at most {} are allowed; a smaller `k`, windows for all "
      "aggregations of the view, or more views with fewer aggregations each need fewer",
      BytesText(bytes), BytesText(limits::kStringValueBytesMax), BytesText(largest_bytes),
      largest->name, BytesText(limits::kLifetimeBytesMax)));
}

}  // namespace

Status CheckSize(const TimelineTable& table, bool is_live) {
  FRESHET_RETURN_IF_ERROR(CheckCells(table));
  if (is_live) return Status::Ok();
  FRESHET_RETURN_IF_ERROR(CheckCellBytes(table));
  FRESHET_RETURN_IF_ERROR(CheckLastEvents(table));
  return CheckLifetime(table);
}

std::string BytesText(size_t bytes) {
  if (bytes < 10'000) return fmt::format("{} B", bytes);
  if (bytes < 1'000'000) return fmt::format("{:.1f} KB", static_cast<double>(bytes) / 1e3);
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

}  // namespace freshet::registry
