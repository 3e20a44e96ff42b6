#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/time.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/feature_report.h"
#include "cli/key_values.h"

namespace freshet::cli {
namespace {

struct Arguments {
  std::vector<std::string> words;  // SERVICE key=value ...
  std::string features;            // view.feature,...
  std::string max_staleness;
  std::optional<int64_t> read_time_ms;
  bool json = false;
  bool times = false;
  bool as_of = false;
  std::string address;
};

std::vector<std::string> SplitNames(std::string_view list) {
  std::vector<std::string> names;
  while (!list.empty()) {
    const size_t comma = list.find(',');
    names.emplace_back(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return names;
}

// Takes the service's name off the front of the words unless a list of features stands for it.
Status TakeService(Arguments* arguments, FeatureRequest* request) {
  auto& words = arguments->words;
  const bool named = !words.empty() && words.front().find('=') == std::string::npos;
  if (named && !arguments->features.empty())
    return Status::InvalidArgument(fmt::format(
        "'{}' and --features are both there: name a service or list features", words.front()));
  if (!named && arguments->features.empty())
    return Status::InvalidArgument(
        "name a feature service, or list features: --features view.feature,...");
  request->features = SplitNames(arguments->features);
  if (!named) return {};
  request->feature_service = words.front();
  words.erase(words.begin());
  return {};
}

Status ReadOptions(const Arguments& arguments, FeatureRequest* request) {
  request->read_time_ms = arguments.read_time_ms;
  request->include_event_times = arguments.times;
  request->include_as_of = arguments.as_of;
  if (arguments.max_staleness.empty()) return {};
  auto duration_ms = ParseDurationMs(arguments.max_staleness);
  if (!duration_ms.ok()) return duration_ms.status().Prefixed("--max-staleness");
  request->max_staleness_ms = *duration_ms;
  return {};
}

ExitCode Run(Arguments arguments) {
  FeatureRequest request;
  Status usage = TakeService(&arguments, &request);
  if (usage.ok()) usage = ReadOptions(arguments, &request);
  if (!usage.ok()) return FailUsage("get", usage.message());
  const auto client = Connect(arguments.address);
  const auto description = client->DescribeService(request.feature_service, request.features);
  if (!description.ok()) return Fail("get", description.status());
  usage = ReadKeyValues(arguments.words, *description, &request);
  if (!usage.ok()) return FailUsage("get", usage.message());
  FeatureResponse response;
  if (Status status = client->GetFeatures(request, &response); !status.ok())
    return Fail("get", status);
  const std::string text =
      arguments.json ? RenderJson(request, response) : RenderTable(request, response);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return ExitCode::kDone;
}

}  // namespace

Command AddGet(CLI::App& parent) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* app = parent.add_subcommand("get", "Ask for feature vectors");
  app->add_option("SERVICE KEY=VALUE", arguments->words,
                  "A feature service, then its join keys and inputs")
      ->type_name("");
  app->add_option("--features", arguments->features, "Features instead of a service")
      ->type_name("VIEW.FEATURE,...");
  app->add_flag("--json", arguments->json, "Print one JSON object a row");
  app->add_flag("--times", arguments->times, "Show the event time of each value");
  app->add_flag("--as-of", arguments->as_of, "Show up to when each stream is complete");
  app->add_option("--max-staleness", arguments->max_staleness,
                  "Values of a stream that is further behind are SOURCE_STALE")
      ->type_name("DURATION");
  app->add_option("--read-time", arguments->read_time_ms,
                  "Evaluate windows at this moment, if the server allows it")
      ->type_name("MS");
  AddAddress(*app, &arguments->address);
  app->footer(
      "Several values, with commas or by repeating the key, are several rows; a key with one "
      "value\n"
      "has it in every row. KEY==VALUE takes the value as it is, commas and all.\n\n"
      "Examples:\n"
      "  freshet get ranking user_id=42 basket_value=120\n"
      "  freshet get ranking user_id=1,2,3 basket_value=50 --times\n"
      "  freshet get --features profile.age,activity.clicks_1m user_id=42 --json");
  return {app, [arguments] { return Run(*arguments); }};
}

}  // namespace freshet::cli
