// The configuration file of the server: every option of config/freshet.yaml, checked as a whole.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "freshet/options.h"
#include "freshet/status.h"

#include "base/limits.h"
#include "base/log.h"

namespace freshet {

// What a configuration without any key means.
struct ServerConfig {
  // Where gRPC listens, "host:port". Loopback by default: the server knows no passwords.
  std::string address = "127.0.0.1:7070";
  // Where HTTP listens; empty: nowhere.
  std::string http_address = "127.0.0.1:7071";
  int64_t http_connections = limits::kHttpConnectionsDefault;
  // A folder of definitions that is applied at each start; empty: what was applied last is served.
  std::string definitions_folder;
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
  Options engine;
};

// Reads and checks a configuration. InvalidArgument names everything that is wrong in it, one
// "file:line:column: message" a line: unknown keys, wrong types, values out of their range.
// NotFound or IoError when the file cannot be read.
Result<ServerConfig> ReadServerConfig(const std::string& path);

// The same of a text; `file` is its name in messages.
Result<ServerConfig> ParseServerConfig(const std::string& file, std::string_view text);

}  // namespace freshet
