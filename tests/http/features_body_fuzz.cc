// Any bytes of a body are a request within the limits, or refused with a reason and its place.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/features_request.h"
#include "rpc/scripted_engine.h"

namespace {

using namespace freshet;

void Must(bool good) {
  if (!good) std::abort();
}

void CheckColumns(const std::vector<NamedColumn>& columns) {
  for (const NamedColumn& column : columns) {
    Must(!column.values.is_list);
    for (const std::string& text : column.values.texts) (void)std::string(text);
  }
}

testing::ScriptedEngine& EngineOfOneService() {
  static testing::ScriptedEngine engine;
  engine.describe = [](std::string_view, const std::vector<std::string>&) {
    return Result<ServiceDescription>(
        ServiceDescription{"s",
                           {{"i", Type::kInt64}, {"s", Type::kString}, {"b", Type::kBool}},
                           {{"n", Type::kInt32},
                            {"f", Type::kFloat},
                            {"d", Type::kDouble},
                            {"t", Type::kTimestamp},
                            {"p", Type::Decimal(2)}},
                           {}});
  };
  return engine;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static testing::ScriptedEngine& engine = EngineOfOneService();
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  FeatureRequest request;
  std::string pointer;
  const Status status = http::ReadFeaturesRequest(body, engine, &request, &pointer);
  if (!status.ok()) {
    Must(!status.message().empty());
    Must(pointer.empty() || pointer.front() == '#');
    return 0;
  }
  CheckColumns(request.entities);
  CheckColumns(request.inputs);
  return 0;
}
