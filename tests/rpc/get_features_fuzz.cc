// Any bytes of a request are answered with bytes that a client reads, or refused with a reason.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "freshet/v1/feature_store.pb.h"

#include "base/clock.h"
#include "base/limits.h"
#include "registry/registry.h"
#include "rpc/request_wire.h"
#include "rpc/response_wire.h"
#include "serve/server.h"
#include "store/store.h"
#include "support/temp_folder.h"

namespace {

using namespace freshet;

constexpr const char* kDefinitions = R"yaml(
entities:
  - {name: user, join_keys: {id: int64}}
  - {name: visit, join_keys: {shop: string, id: int64, paid: bool, day: int32}}
  - {name: all, join_keys: {}}
sources:
  - name: clicks
    push: {}
    timestamp: {field: at, unit: ms}
    fields: {id: int64, shop: string, paid: bool, day: int32, amount: double}
feature_views:
  - name: a
    entity: user
    source: clicks
    aggregations:
      - {name: n, function: count, windows: [1h]}
      - {name: l, function: last_k, of: shop, k: 2, windows: [1h]}
  - name: b
    entity: visit
    source: clicks
    aggregations: [{name: s, function: sum, of: amount, windows: [1h], max_staleness: 1s}]
  - name: c
    entity: all
    source: clicks
    aggregations: [{name: n, function: count}]
  - name: d
    request: {x: double, t: timestamp, s: string, i: int32, f: float, o: bool}
    features:
      - {name: y, type: double, expr: "request.x / a.n_1h + double(request.i)"}
      - {name: z, type: string, expr: "request.o ? request.s + '!' : string(request.f)"}
      - {name: h, type: int64, expr: "request.t.getHours('Europe/Berlin')"}
feature_services:
  - {name: s, features: [a.n_1h, a.l_1h, b.s_1h, c.n, d.y, d.z, d.h]}
)yaml";

void Must(bool good) {
  if (!good) std::abort();
}

class Served {
 public:
  Served() {
    auto store = store::Store::Open({.path = folder_.File("data")});
    Must(store.ok());
    store_ = *std::move(store);
    yaml::Diagnostics diagnostics;
    const std::vector<registry::DefinitionFile> files = {{"definitions.yaml", kDefinitions}};
    auto registry = registry::Registry::Build(files, registry::Catalog{}, &diagnostics);
    Must(registry != nullptr);
    server_ = serve::FeatureServer::New({.allow_read_time = true}, *store_, clock_, Streams());
    Must(server_->Apply(std::move(registry)).ok());
  }

  serve::FeatureServer& server() { return *server_; }

 private:
  // Nothing is in, and nothing will come.
  static serve::StreamStanding Streams() {
    return {.as_of_ms = [](uint32_t) { return kNoEventTimeMs; },
            .wait_until_in =
                [](uint32_t, int32_t, int64_t, std::chrono::steady_clock::time_point) {
                  return serve::Arrival::kNever;
                },
            .positions = [](uint32_t) { return std::vector<StreamPosition>(); }};
  }

  freshet::testing::TempFolder folder_;
  FakeClock clock_{1'790'000'000'000};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<serve::FeatureServer> server_;
};

void CheckAnswer(const FeatureBlock& answer) {
  static rpc::ResponseEncoder encoder;
  std::vector<uint8_t> bytes(encoder.Measure(answer));
  encoder.Write(answer, bytes.data());
  v1::GetFeaturesResponse wire;
  Must(wire.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  Must(wire.row_count() == answer.row_count);
  Must(static_cast<size_t>(wire.features_size()) == answer.feature_count());
  for (const v1::FeatureColumn& column : wire.features())
    Must(column.statuses().empty() || column.statuses().size() == wire.row_count());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Served served;
  // Reused, as a thread of the server reuses it: what is left of one request must not harm the next.
  static FeatureRequest request;
  static FeatureBlock answer;
  v1::GetFeaturesRequest wire;
  if (!wire.ParseFromArray(data, static_cast<int>(size))) return 0;
  Status status = rpc::FromWire(wire, &request);
  if (status.ok()) status = served.server().GetFeatures(request, &answer);
  if (!status.ok()) {
    Must(!status.message().empty());
    Must(status.code() == StatusCode::kInvalidArgument ||
         status.code() == StatusCode::kFailedPrecondition);
    return 0;
  }
  CheckAnswer(answer);
  return 0;
}
