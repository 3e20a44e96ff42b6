// A folder, a server when asked for, and the real binary run against it.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/server_process.h"
#include "support/subprocess.h"
#include "support/temp_folder.h"

namespace freshet::testing {

class CliTest : public ::testing::Test {
 protected:
  static constexpr const char* kBinary = FRESHET_BINARY;
  static constexpr const char* kQuickstart = FRESHET_SOURCE_FOLDER "/examples/quickstart";

  Finished Run(std::vector<std::string> words, const std::string& input = "") {
    words.insert(words.begin(), kBinary);
    std::vector<std::string> environment;
    if (server_ != nullptr) environment.push_back("FRESHET_ADDRESS=" + server_->address());
    return RunProgram(words, input, environment);
  }

  void StartServer(std::vector<std::string> arguments = {}) {
    server_ = std::make_unique<ServerProcess>(kBinary, folder_.path(), std::move(arguments));
    ASSERT_TRUE(server_->Start());
  }

  void StartQuickstart() {
    StartServer();
    const Finished applied = Run({"apply", kQuickstart});
    ASSERT_EQ(applied.exit_code, 0) << applied.err;
  }

  // The path of a file in the folder with this text.
  std::string Write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = folder_.File(name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }

  TempFolder folder_;
  std::unique_ptr<ServerProcess> server_;
};

}  // namespace freshet::testing
