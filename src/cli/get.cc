#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/limits.h"
#include "base/time.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/feature_report.h"
#include "cli/key_values.h"
#include "cli/selection.h"

namespace freshet::cli {
namespace {

struct GetArguments {
  std::vector<std::string> words;  // SERVICE key=value ...
  std::string features;            // view.feature,...
  std::string max_staleness;
  std::string stale_action;
  std::vector<std::string> read_after;  // SOURCE:PARTITION:OFFSET
  std::string timeout;
  std::optional<int64_t> read_time_ms;
  bool phases = false;
  bool json = false;
  bool times = false;
  bool as_of = false;
  std::string address;
};

Status ReadDuration(const std::string& text, std::string_view option,
                    std::optional<int64_t>* duration_ms) {
  if (text.empty()) return {};
  const auto parsed_ms = ParseDurationMs(text);
  if (!parsed_ms.ok()) return parsed_ms.status().Prefixed(option);
  *duration_ms = *parsed_ms;
  return {};
}

Status ReadPosition(const std::string& word, StreamPosition* position) {
  // Names hold no colons.
  const size_t partition_at = word.find(':');
  const size_t offset_at = word.find(':', partition_at + 1);
  const bool has_parts = partition_at != std::string::npos && offset_at != std::string::npos;
  if (!has_parts ||
      !CLI::detail::lexical_cast(word.substr(partition_at + 1, offset_at - partition_at - 1),
                                 position->partition) ||
      !CLI::detail::lexical_cast(word.substr(offset_at + 1), position->offset))
    return Status::InvalidArgument(
        fmt::format("--after: '{}' is no place in a stream: write SOURCE:PARTITION:OFFSET", word));
  position->source = word.substr(0, partition_at);
  return {};
}

Status ReadOptions(const GetArguments& arguments, FeatureRequest* request) {
  request->read_time_ms = arguments.read_time_ms;
  request->include_event_times = arguments.times;
  request->include_as_of = arguments.as_of;
  request->include_phases = arguments.phases;
  FRESHET_RETURN_IF_ERROR(
      ReadDuration(arguments.max_staleness, "--max-staleness", &request->max_staleness_ms));
  std::optional<int64_t> timeout_ms;
  FRESHET_RETURN_IF_ERROR(ReadDuration(arguments.timeout, "--timeout", &timeout_ms));
  if (timeout_ms.has_value())
    request->timeout_us = std::min(*timeout_ms, limits::kTimeoutMsMax) * 1'000;
  if (!arguments.stale_action.empty())
    request->stale_action = FindStaleAction(arguments.stale_action);
  for (const std::string& word : arguments.read_after)
    FRESHET_RETURN_IF_ERROR(ReadPosition(word, &request->read_after.emplace_back()));
  return {};
}

ExitCode RunGet(GetArguments arguments) {
  FeatureRequest request;
  Status usage = TakeSelection(arguments.features, &arguments.words, &request);
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
  auto arguments = std::make_shared<GetArguments>();
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
  app->add_option("--stale-action", arguments->stale_action,
                  "What becomes of such values: use_default, serve, null or fail")
      ->check(CLI::IsMember({"use_default", "serve", "null", "fail"}));
  app->add_option(
         "--after", arguments->read_after,
         "Answer once this event is in, as `freshet push` tells its offset; may be repeated")
      ->type_name("SOURCE:PARTITION:OFFSET");
  app->add_option("--timeout", arguments->timeout, "What is not ready by then is TIMED_OUT")
      ->type_name("DURATION");
  app->add_flag("--phases", arguments->phases, "Show where the server's time went");
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
      "  freshet get --features profile.age,activity.clicks_1m user_id=42 --json\n"
      "  freshet get ranking user_id=42 basket_value=50 --after clicks:0:1234 --timeout 50ms");
  return {app, [arguments] { return RunGet(*arguments); }};
}

}  // namespace freshet::cli
