// The subcommands. Each adds itself to the command line and says what to do when it was chosen.
#pragma once

#include <functional>

#include "cli/exit_code.h"

namespace CLI {
class App;
}

namespace freshet::cli {

struct Command {
  CLI::App* app;
  std::function<ExitCode()> run;
};

Command AddServe(CLI::App& parent);
Command AddValidate(CLI::App& parent);
Command AddPlan(CLI::App& parent);
Command AddApply(CLI::App& parent);
Command AddLoad(CLI::App& parent);
Command AddGet(CLI::App& parent);
Command AddExplain(CLI::App& parent);
Command AddPush(CLI::App& parent);
Command AddForget(CLI::App& parent);
Command AddStatus(CLI::App& parent);
Command AddBench(CLI::App& parent);

}  // namespace freshet::cli
