#include <exception>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/command.h"

namespace freshet::cli {
namespace {

ExitCode Main(int argc, char** argv) {
  CLI::App app(
      "Freshet, an online feature store: fresh feature vectors from event streams and files",
      "freshet");
  app.set_version_flag("--version", "freshet " FRESHET_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Start:\n"
      "  freshet serve &\n"
      "  freshet apply examples/quickstart\n"
      "  freshet load profile --file examples/quickstart/users.csv\n"
      "  freshet get ranking user_id=42 basket_value=120\n\n"
      "Every subcommand has --help. FRESHET_ADDRESS is where they look for the server.\n"
      "Exit codes: 0 done, 1 the definitions, rows or request are wrong, 2 wrong usage,\n"
      "3 no server answers.");
  const Command commands[] = {AddServe(app),  AddValidate(app), AddPlan(app),    AddApply(app),
                              AddLoad(app),   AddGet(app),      AddExplain(app), AddPush(app),
                              AddForget(app), AddStatus(app),   AddBench(app)};
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? ExitCode::kDone : ExitCode::kUsage;
  }
  for (const Command& command : commands) {
    if (command.app->parsed()) return command.run();
  }
  return ExitCode::kUsage;
}

}  // namespace
}  // namespace freshet::cli

int main(int argc, char** argv) {
  try {
    return static_cast<int>(freshet::cli::Main(argc, argv));
  } catch (const std::exception& error) {
    fmt::print(stderr, "freshet: {}\n", error.what());
    return 1;
  }
}
