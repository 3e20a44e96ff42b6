// Where the server is: --address, else FRESHET_ADDRESS, else this machine.
#pragma once

#include <memory>
#include <string>

#include "freshet/client.h"

namespace CLI {
class App;
}

namespace freshet::cli {

// `address` must live as long as `command`.
void AddAddress(CLI::App& command, std::string* address);

std::unique_ptr<Client> Connect(const std::string& address);

}  // namespace freshet::cli
