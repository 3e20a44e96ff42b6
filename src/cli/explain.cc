#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/connection.h"
#include "cli/explain_report.h"
#include "cli/key_values.h"
#include "cli/selection.h"

namespace freshet::cli {
namespace {

struct ExplainArguments {
  std::vector<std::string> words;  // SERVICE key=value ...
  std::string features;            // view.feature,...
  std::optional<int64_t> read_time_ms;
  bool json = false;
  std::string address;
};

ExitCode RunExplain(ExplainArguments arguments) {
  FeatureRequest request;
  Status usage = TakeSelection(arguments.features, &arguments.words, &request);
  if (!usage.ok()) return FailUsage("explain", usage.message());
  request.read_time_ms = arguments.read_time_ms;
  const auto client = Connect(arguments.address);
  const auto description = client->DescribeService(request.feature_service, request.features);
  if (!description.ok()) return Fail("explain", description.status());
  usage = ReadKeyValues(arguments.words, *description, &request);
  if (!usage.ok()) return FailUsage("explain", usage.message());
  const auto explanation = client->Explain(request);
  if (!explanation.ok()) return Fail("explain", explanation.status());
  const std::string text =
      arguments.json ? RenderExplanationJson(*explanation) : RenderExplanation(*explanation);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return ExitCode::kDone;
}

}  // namespace

Command AddExplain(CLI::App& parent) {
  auto arguments = std::make_shared<ExplainArguments>();
  CLI::App* app = parent.add_subcommand("explain", "Show where the values of one entity come from");
  app->add_option("SERVICE KEY=VALUE", arguments->words,
                  "A feature service, then its join keys and inputs")
      ->type_name("");
  app->add_option("--features", arguments->features, "Features instead of a service")
      ->type_name("VIEW.FEATURE,...");
  app->add_flag("--json", arguments->json, "Print one JSON object");
  app->add_option("--read-time", arguments->read_time_ms,
                  "Evaluate windows at this moment, if the server allows it")
      ->type_name("MS");
  AddAddress(*app, &arguments->address);
  app->footer(
      "For each value: the cells of the timeline or the row that it was read from, with event "
      "times,\n"
      "the places in the stream up to which all is in, and the load; for on-demand features each "
      "part\n"
      "of the expression and what it came to.\n\n"
      "Examples:\n"
      "  freshet explain ranking user_id=42 basket_value=120\n"
      "  freshet explain --features activity.spend_1h user_id=42 --json");
  return {app, [arguments] { return RunExplain(*arguments); }};
}

}  // namespace freshet::cli
