#include "cli/connection.h"

#include <CLI/CLI.hpp>

namespace freshet::cli {

void AddAddress(CLI::App& command, std::string* address) {
  *address = Client::Options{}.address;
  command.add_option("--address", *address, "The server")
      ->envname("FRESHET_ADDRESS")
      ->type_name("HOST:PORT")
      ->capture_default_str();
}

std::unique_ptr<Client> Connect(const std::string& address) {
  return Client::New({.address = address});
}

}  // namespace freshet::cli
