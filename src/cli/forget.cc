#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/connection.h"
#include "cli/json_value.h"
#include "cli/table.h"

namespace freshet::cli {
namespace {

struct ForgetArguments {
  std::vector<std::string> words;  // key=value ...
  bool json = false;
  std::string address;
};

Result<std::map<std::string, std::string>> ReadJoinKeys(const std::vector<std::string>& words) {
  std::map<std::string, std::string> join_keys;
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Status::InvalidArgument(
          fmt::format("'{}' is no join key: write KEY=VALUE, such as user_id=42", word));
    }
    if (!join_keys.emplace(word.substr(0, equals), word.substr(equals + 1)).second) {
      return Status::InvalidArgument(fmt::format(
          "'{}' is there twice; one entity is forgotten at a time", word.substr(0, equals)));
    }
  }
  return join_keys;
}

std::string RenderReceipt(const ForgetReceipt& receipt) {
  Table table({{"of"}, {"what"}, {"erased", Align::kRight}});
  for (const ForgetReceipt::Part& part : receipt.parts)
    table.Add({part.name, part.what, Grouped(part.count)});
  std::string text = table.Render();
  if (!receipt.remaining.empty()) text += "\nnot erased by this:\n";
  for (const std::string& sentence : receipt.remaining)
    text += fmt::format("  {}\n", Printable(sentence));
  return text;
}

std::string RenderReceiptJson(const std::map<std::string, std::string>& join_keys,
                              const ForgetReceipt& receipt) {
  Json parts = Json::array();
  for (const ForgetReceipt::Part& part : receipt.parts)
    parts.push_back({{"of", part.name}, {"what", part.what}, {"count", part.count}});
  const Json json = {
      {"join_keys", join_keys}, {"erased", parts}, {"not_erased", receipt.remaining}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

ExitCode RunForget(const ForgetArguments& arguments) {
  const auto join_keys = ReadJoinKeys(arguments.words);
  if (!join_keys.ok()) return FailUsage("forget", join_keys.status().message());
  const auto receipt = Connect(arguments.address)->Forget(*join_keys);
  if (!receipt.ok()) return Fail("forget", receipt.status());
  fmt::print("{}",
             arguments.json ? RenderReceiptJson(*join_keys, *receipt) : RenderReceipt(*receipt));
  return ExitCode::kDone;
}

}  // namespace

Command AddForget(CLI::App& parent) {
  auto arguments = std::make_shared<ForgetArguments>();
  CLI::App* app =
      parent.add_subcommand("forget", "Erase an entity from rows, timelines and event logs");
  app->add_option("KEY=VALUE", arguments->words, "All join keys of the entity")
      ->type_name("")
      ->required();
  app->add_flag("--json", arguments->json, "The receipt as one JSON object");
  AddAddress(*app, &arguments->address);
  app->footer(
      "What is erased is gone from the files too when the command returns. The receipt lists it, "
      "and\n"
      "what Freshet cannot erase: Kafka topics, the files that rows were loaded from.\n\n"
      "Example:\n"
      "  freshet forget user_id=42");
  return {app, [arguments] { return RunForget(*arguments); }};
}

}  // namespace freshet::cli
