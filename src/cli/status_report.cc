#include "cli/status_report.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/time.h"
#include "cli/json_value.h"
#include "cli/table.h"

namespace freshet::cli {
namespace {

constexpr Align kRight = Align::kRight;

std::string Age(int64_t then_ms, int64_t now_ms) {
  if (then_ms == kNoEventTimeMs) return "-";
  const int64_t age_ms = std::max<int64_t>(0, now_ms - then_ms);
  if (age_ms < 1'000) return fmt::format("{} ms", age_ms);
  const int64_t seconds = age_ms / 1'000;
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 7'200) return fmt::format("{} min", seconds / 60);
  if (seconds < 172'800) return fmt::format("{} h", seconds / 3'600);
  return fmt::format("{} days", seconds / 86'400);
}

std::string Title(std::string_view name) {
  return fmt::format("\n{}\n", name);
}

std::string Lag(const ServerStatus::Partition& partition) {
  if (partition.end_offset < 0) return "-";
  return Grouped(
      static_cast<uint64_t>(std::max<int64_t>(0, partition.end_offset - partition.next_offset)));
}

std::string RenderStreams(const ServerStatus& status) {
  Table table({{"source"},
               {"views"},
               {"state"},
               {"partition", kRight},
               {"position", kRight},
               {"checkpointed", kRight},
               {"lag", kRight},
               {"complete up to", kRight}});
  for (const auto& stream : status.streams) {
    std::vector<std::string> head = {
        stream.source, fmt::format("{}", fmt::join(stream.views, ", ")), Printable(stream.state)};
    std::string as_of = Age(stream.as_of_ms, status.now_ms);
    if (as_of != "-") as_of += " ago";
    if (stream.partitions.empty())
      table.Add({head[0], head[1], head[2], "-", "-", "-", "-", as_of});
    for (const auto& partition : stream.partitions) {
      table.Add({head[0], head[1], head[2], std::to_string(partition.partition),
                 std::to_string(partition.next_offset),
                 std::to_string(partition.checkpointed_offset), Lag(partition), as_of});
      head = {"", "", ""};
      as_of.clear();
    }
  }
  return table.empty() ? "" : Title("streams") + table.Render("  ");
}

std::string RefusedText(const ServerStatus::Source& source) {
  std::vector<std::string> parts;
  for (const auto& [reason, count] : source.refused)
    parts.push_back(fmt::format("{} {}", Grouped(count), Printable(reason)));
  for (const auto& [count, what] :
       {std::pair(source.lost, "lost"), std::pair(source.filter_failures, "`where` failed"),
        std::pair(source.truncated, "truncated"), std::pair(source.repeated, "repeated"),
        std::pair(source.too_old, "too old for any window or row")})
    if (count > 0) parts.push_back(fmt::format("{} {}", Grouped(count), what));
  return parts.empty() ? "-" : fmt::format("{}", fmt::join(parts, ", "));
}

// "<= 1s 990, <= 1h 10": the buckets that are not empty.
std::string DelaysText(const EventDelays& delays) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < delays.counts.size(); ++i) {
    if (delays.counts[i] == 0) continue;
    const bool has_bound = i < EventDelays::kBoundsMs.size();
    const int64_t bound_ms = EventDelays::kBoundsMs[has_bound ? i : i - 1];
    parts.push_back(fmt::format("{} {} {}", has_bound ? "<=" : ">", FormatDurationMs(bound_ms),
                                Grouped(delays.counts[i])));
  }
  return parts.empty() ? "-" : fmt::format("{}", fmt::join(parts, ", "));
}

std::string RenderSources(const ServerStatus& status) {
  Table table({{"name"},
               {"kind"},
               {"events", kRight},
               {"applied", kRight},
               {"came after"},
               {"refused and other"}});
  for (const auto& source : status.sources) {
    const bool streams = source.kind != "file";
    table.Add({source.name, source.kind, streams ? Grouped(source.events) : "-",
               streams ? Grouped(source.applied) : "-", DelaysText(source.delays),
               RefusedText(source)});
  }
  return table.empty() ? "" : Title("sources") + table.Render("  ");
}

// What a rollback would bring back.
std::string Before(const ServerStatus::View& view, int64_t now_ms) {
  if (view.previous_loaded_at_ms == kNoEventTimeMs) return "-";
  return fmt::format("{} rows, {} ago", Grouped(view.previous_rows),
                     Age(view.previous_loaded_at_ms, now_ms));
}

std::string RenderViews(const ServerStatus& status) {
  Table table({{"name"},
               {"kind"},
               {"entity"},
               {"source"},
               {"features", kRight},
               {"rows", kRight},
               {"loaded"},
               {"before"}});
  for (const auto& view : status.views) {
    const bool batch = view.kind == "batch";
    const bool loaded = view.loaded_at_ms != kNoEventTimeMs;
    const std::string age = loaded ? Age(view.loaded_at_ms, status.now_ms) + " ago" : "never";
    table.Add({view.name, view.kind, view.entity.empty() ? "-" : view.entity,
               view.source.empty() ? "-" : view.source, std::to_string(view.features),
               batch ? Grouped(view.rows) : "-", batch ? age : "-", Before(view, status.now_ms)});
  }
  return table.empty() ? "" : Title("feature views") + table.Render("  ");
}

std::string WaysOn(const std::vector<UnfinishedLoad>& loads) {
  std::string text;
  bool can_go_on = false;
  for (const UnfinishedLoad& load : loads) {
    can_go_on |= load.obstacle.empty();
    if (!load.obstacle.empty())
      text += fmt::format("  {} cannot be resumed: {}\n", load.id, Printable(load.obstacle));
  }
  return fmt::format("{}  {}to remove: freshet load --discard ID\n", text,
                     can_go_on ? "to go on: freshet load --resume ID; " : "");
}

std::string RenderUnfinished(const ServerStatus& status) {
  Table table({{"id", kRight},
               {"view"},
               {"kind"},
               {"rows kept", kRight},
               {"bytes", kRight},
               {"began"},
               {"kept for"},
               {"files"}});
  for (const UnfinishedLoad& load : status.unfinished_loads) {
    table.Add({std::to_string(load.id), load.view.empty() ? "-" : load.view,
               load.upsert ? "upsert" : "whole", Grouped(load.rows), Grouped(load.bytes),
               Age(load.began_at_ms, status.now_ms) + " ago",
               load.is_under_way ? "under way" : Age(status.now_ms, load.expires_at_ms),
               load.origin.path.empty() ? "-" : Printable(load.origin.path)});
  }
  if (table.empty()) return "";
  return Title("unfinished loads") + table.Render("  ") + WaysOn(status.unfinished_loads);
}

std::string RenderCounters(const ServerStatus& status) {
  Table table({{"name"}, {"value", kRight}});
  for (const auto& [name, value] : status.counters) table.Add({name, Grouped(value)});
  return table.empty() ? "" : Title("counters") + table.Render("  ");
}

Json ToJson(const ServerStatus::Stream& stream) {
  Json partitions = Json::array();
  for (const auto& partition : stream.partitions)
    partitions.push_back(
        {{"partition", partition.partition},
         {"next_offset", partition.next_offset},
         {"checkpointed_offset", partition.checkpointed_offset},
         {"end_offset", partition.end_offset < 0 ? Json() : Json(partition.end_offset)}});
  return {{"source", stream.source},
          {"views", stream.views},
          {"state", stream.state},
          {"failed", stream.failed},
          {"as_of_ms", TimeToJson(stream.as_of_ms)},
          {"partitions", partitions}};
}

Json ToJson(const EventDelays& delays) {
  return {
      {"bounds_ms", EventDelays::kBoundsMs}, {"counts", delays.counts}, {"sum_ms", delays.sum_ms}};
}

Json ToJson(const ServerStatus::Source& source) {
  return {{"name", source.name},
          {"kind", source.kind},
          {"events", source.events},
          {"applied", source.applied},
          {"too_old", source.too_old},
          {"repeated", source.repeated},
          {"truncated", source.truncated},
          {"filter_failures", source.filter_failures},
          {"lost", source.lost},
          {"refused", Json(source.refused)},
          {"delays", ToJson(source.delays)}};
}

Json ToJson(const UnfinishedLoad& load) {
  return {{"id", load.id},
          {"feature_view", load.view},
          {"upsert", load.upsert},
          {"under_way", load.is_under_way},
          {"began_at_ms", load.began_at_ms},
          {"expires_at_ms", load.expires_at_ms},
          {"rows", load.rows},
          {"bytes", load.bytes},
          {"format", load.format},
          {"path", load.origin.path},
          {"s3_endpoint", load.origin.s3_endpoint},
          {"obstacle", load.obstacle.empty() ? Json() : Json(load.obstacle)}};
}

Json ToJson(const ServerStatus::View& view) {
  Json json = {{"name", view.name},
               {"kind", view.kind},
               {"entity", view.entity},
               {"source", view.source},
               {"features", view.features}};
  if (view.kind != "batch") return json;
  json["loaded_at_ms"] = TimeToJson(view.loaded_at_ms);
  json["rows"] = view.rows;
  if (view.previous_loaded_at_ms == kNoEventTimeMs)
    json["previous"] = Json();
  else
    json["previous"] = {{"loaded_at_ms", view.previous_loaded_at_ms}, {"rows", view.previous_rows}};
  return json;
}

}  // namespace

std::string RenderStatus(const ServerStatus& status, const std::string& address) {
  std::string text = fmt::format("freshet {} at {}: {}, started {} ago\n", status.version, address,
                                 status.ready ? "ready" : "not ready, catching up",
                                 Age(status.started_at_ms, status.now_ms));
  text += RenderStreams(status) + RenderSources(status) + RenderViews(status) +
          RenderUnfinished(status);
  if (!status.services.empty())
    text += Title("feature services") + fmt::format("  {}\n", fmt::join(status.services, ", "));
  if (status.views.empty() && status.sources.empty())
    text += "\nNothing is defined yet: freshet apply DIR\n";
  return text + RenderCounters(status);
}

std::string RenderStatusJson(const ServerStatus& status) {
  const Json json = {{"ready", status.ready},
                     {"version", status.version},
                     {"now_ms", status.now_ms},
                     {"started_at_ms", status.started_at_ms},
                     {"streams", ListToJson(status.streams, ToJson)},
                     {"sources", ListToJson(status.sources, ToJson)},
                     {"feature_views", ListToJson(status.views, ToJson)},
                     {"unfinished_loads", ListToJson(status.unfinished_loads, ToJson)},
                     {"feature_services", status.services},
                     {"counters", Json(status.counters)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace freshet::cli
