// An engine over a folder of its own, and what tests do with it again and again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "freshet/engine.h"
#include "freshet/options.h"

#include "support/temp_folder.h"

namespace freshet {

inline constexpr int64_t kSecondMs = 1'000;
inline constexpr int64_t kMinuteMs = 60'000;
inline constexpr int64_t kHourMs = 3'600'000;

std::vector<DefinitionText> Definitions(const std::string& yaml);
// Waits until `condition` holds; fails the test when it never does.
void Await(const std::function<bool()>& condition, std::string_view what);

FeatureRequest UserRequest(std::vector<std::string> features, std::vector<int64_t> user_ids);
// The value of one feature of one row, for messages and comparisons: "PRESENT 3", "NOT_FOUND 0".
std::string Shown(const FeatureColumn& column, size_t row);

class EngineTest : public ::testing::Test {
 protected:
  EngineTest();

  // Closes the engine, if one is open, and opens one on the same folder.
  void Reopen();
  // Fails the test unless the definitions are applied.
  void Apply(const std::string& yaml);
  PlanOutcome Refused(const std::string& yaml);
  // Pushes and waits until every stream of the source has read what was pushed.
  int64_t Push(std::string_view source, const std::vector<std::string>& records);
  Status TryLoad(const std::string& view, std::string_view csv, LoadProgress* progress = nullptr);
  void Load(const std::string& view, std::string_view csv);
  FeatureResponse Get(const FeatureRequest& request);
  // Each feature of each user, as Shown has it, by rows.
  std::vector<std::vector<std::string>> Table(const FeatureRequest& request);
  bool HasRead(std::string_view source, int64_t offset);

  testing::TempFolder folder_;
  Options options_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace freshet
