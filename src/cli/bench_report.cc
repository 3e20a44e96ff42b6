#include "cli/bench_report.h"

#include <utility>

#include <fmt/format.h>

#include "cli/json_value.h"
#include "cli/table.h"

namespace freshet::cli {
namespace {

struct Quantile {
  const char* name;
  double share;
};
constexpr Quantile kQuantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}};

std::string Milliseconds(int64_t ns) {
  return fmt::format("{:.3f}", static_cast<double>(ns) / 1e6);
}

void AddRow(const char* name, const LatencyHistogram& histogram, Table* table) {
  std::vector<std::string> cells = {name};
  for (const Quantile& quantile : kQuantiles)
    cells.push_back(Milliseconds(histogram.QuantileNs(quantile.share)));
  cells.push_back(Milliseconds(histogram.max_ns()));
  table->Add(std::move(cells));
}

Json ToJson(const LatencyHistogram& histogram) {
  const auto us = [](int64_t ns) { return static_cast<double>(ns) / 1e3; };
  Json json = Json::object();
  for (const Quantile& quantile : kQuantiles)
    json[quantile.name] = us(histogram.QuantileNs(quantile.share));
  json["max"] = us(histogram.max_ns());
  return json;
}

Json ErrorsToJson(const OpenLoopFigures& figures) {
  Json json = Json::object();
  for (const auto& [code, count] : figures.errors) json[std::string(StatusCodeName(code))] = count;
  return json;
}

}  // namespace

std::string RenderBench(const BenchSubject& subject, const OpenLoopOptions& options,
                        const OpenLoopFigures& figures) {
  std::string text = fmt::format(
      "{} at {}: {} a request, {}\n\n", subject.name, options.address,
      subject.rows == 1 ? "1 row" : Grouped(subject.rows) + " rows",
      options.connections == 1 ? "1 connection" : Grouped(options.connections) + " connections");
  Table counts({{"", Align::kLeft}, {"requests", Align::kRight}, {"a second", Align::kRight}});
  counts.Add({"due", Grouped(figures.due), fmt::format("{:.1f}", options.requests_per_second)});
  counts.Add({"sent", Grouped(figures.sent), ""});
  counts.Add({"answered", Grouped(figures.answered),
              fmt::format("{:.1f}", figures.answered_per_second())});
  for (const auto& [code, count] : figures.errors)
    counts.Add({std::string(StatusCodeName(code)), Grouped(count), ""});
  text += counts.Render() + "\n";
  if (figures.answered > 0) {
    std::vector<Table::Heading> headings = {{"ms"}};
    for (const Quantile& quantile : kQuantiles) headings.push_back({quantile.name, Align::kRight});
    headings.push_back({"max", Align::kRight});
    Table latency(std::move(headings));
    AddRow("latency", figures.latency, &latency);
    AddRow("sent late by", figures.send_delay, &latency);
    text += latency.Render();
  }
  if (figures.failed() > 0)
    text += fmt::format("\nthe last error: {}\n", Printable(figures.last_error.ToString()));
  return text;
}

std::string RenderBenchJson(const BenchSubject& subject, const OpenLoopOptions& options,
                            const OpenLoopFigures& figures) {
  const Json json = {{"subject", subject.name},
                     {"rows", subject.rows},
                     {"connections", options.connections},
                     {"wanted_per_second", options.requests_per_second},
                     {"answered_per_second", figures.answered_per_second()},
                     {"seconds", figures.elapsed_seconds},
                     {"due", figures.due},
                     {"sent", figures.sent},
                     {"answered", figures.answered},
                     {"errors", ErrorsToJson(figures)},
                     {"latency_us", ToJson(figures.latency)},
                     {"sent_late_us", ToJson(figures.send_delay)}};
  return json.dump() + "\n";
}

std::string RenderBenchSecond(int second, const OpenLoopFigures& figures) {
  return fmt::format(
      "{:>4} s  {:>9.1f} answered a second  p50 {} ms  p99 {} ms  max {} ms  {} errors", second,
      figures.answered_per_second(), Milliseconds(figures.latency.QuantileNs(0.5)),
      Milliseconds(figures.latency.QuantileNs(0.99)), Milliseconds(figures.latency.max_ns()),
      Grouped(figures.failed()));
}

}  // namespace freshet::cli
