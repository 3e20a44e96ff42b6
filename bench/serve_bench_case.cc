#include "serve_bench_case.h"

#include <random>

#include <fmt/format.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include "freshet/v1/feature_store.pb.h"

namespace freshet::serve_bench {
namespace {

constexpr int64_t kFirstUser = 10'000'000;  // so that all ids take the same bytes on the wire
constexpr int64_t kAmounts = 5;
// So that of many entities few are asked for again soon.
constexpr size_t kRequests = 4'096;
constexpr size_t kRequestsOfMany = 64;
constexpr int64_t kHourMs = 3'600'000;
constexpr uint64_t kDataSeed = 42;
// How far back each user's events are spread. The last minute holds some for certain, so that no
// window runs empty while the benchmark lasts, and the largest window of every case sees all.
constexpr int64_t kSpansMs[] = {kHourMs / 60, kHourMs, 5 * kHourMs};
constexpr std::string_view kFunctions[] = {"count", "sum", "mean", "min", "max"};
constexpr std::string_view kWindows[] = {"1h",  "6h", "10m", "1d", "7d",
                                         "30m", "2h", "12h", "2d", "3d"};
constexpr std::string_view kColumnTypes[] = {"double", "int64", "float", "bool", "string"};

using Random = std::mt19937_64;

int64_t Below(Random& random, int64_t end) {
  return std::uniform_int_distribution<int64_t>(0, end - 1)(random);
}

std::string_view ColumnType(size_t column) {
  return kColumnTypes[column % std::size(kColumnTypes)];
}

std::string ColumnText(size_t column, Random& random) {
  const std::string_view type = ColumnType(column);
  const int64_t number = Below(random, 100'000);
  if (type == "bool") return number % 2 == 0 ? "true" : "false";
  if (type == "string") return fmt::format("word{}", number % 100);
  return type == "int64" ? fmt::format("{}", number) : fmt::format("{}.25", number);
}

// Joins what `make(i)` gives for 0..count.
template <typename Make>
std::string Joined(size_t count, std::string_view separator, Make make) {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) text += separator;
    text += make(i);
  }
  return text;
}

std::string AggregationYaml(const Case& shape, size_t index) {
  const std::string_view function = kFunctions[index % std::size(kFunctions)];
  const std::string of =
      function == "count" ? "" : fmt::format(", of: amount_{}", index % kAmounts);
  const std::string windows =
      Joined(shape.windows, ", ", [](size_t window) { return std::string(kWindows[window]); });
  return fmt::format("      - {{name: a{}, function: {}{}, windows: [{}]}}", index, function, of,
                     windows);
}

}  // namespace

const std::vector<Case>& AllCases() {
  static const std::vector<Case> cases = [] {
    const Case small = {
        .name = "1x20", .entities = 1, .aggregations = 5, .windows = 2, .concurrency = 16};
    std::vector<Case> all = {
        small,
        {.name = "1x250", .entities = 1, .aggregations = 25, .windows = 5, .concurrency = 16},
        {.name = "100x50", .entities = 100, .aggregations = 5, .windows = 5, .concurrency = 8},
        {.name = "1000x50", .entities = 1'000, .aggregations = 5, .windows = 5, .concurrency = 8},
        {.name = "1-window", .entities = 1, .aggregations = 10, .windows = 1, .concurrency = 16},
        {.name = "10-windows", .entities = 1, .aggregations = 1, .windows = 10, .concurrency = 16},
    };
    const auto add = [&](std::string name, auto change) {
      Case shape = small;
      shape.name = std::move(name);
      change(shape);
      all.push_back(shape);
    };
    add("3-derived", [](Case& shape) { shape.derived = 3; });
    add("980-features-more", [](Case& shape) { shape.unasked = 980; });
    add("busy", [](Case& shape) {
      shape.pushed_per_s = 20'000;
      shape.loaded_rows = shape.users;
    });
    add("loading", [](Case& shape) { shape.loaded_rows = 10'000'000; });
    const auto many = [](int64_t users) {
      return [users](Case& shape) {
        shape.users = users;
        shape.events_per_span = 1;
      };
    };
    add("100000-entities", many(100'000));
    add("1000000-entities", many(1'000'000));
    add("10000000-entities", many(10'000'000));
    add("disk", [&](Case& shape) {
      many(100'000)(shape);
      shape.cache_share = 0.01;
    });
    return all;
  }();
  return cases;
}

const Case* FindCase(const std::string& name) {
  for (const Case& shape : AllCases()) {
    if (shape.name == name) return &shape;
  }
  return nullptr;
}

std::string DefinitionsYaml(const Case& shape) {
  const std::string amounts =
      Joined(kAmounts, ", ", [](size_t i) { return fmt::format("amount_{}: double", i); });
  const std::string fields = Joined(
      shape.windowed(), ", ", [](size_t i) { return fmt::format("r{}: {}", i, ColumnType(i)); });
  const std::string columns =
      Joined(shape.windowed(), ", ", [](size_t i) { return fmt::format("r{}", i); });
  const std::string aggregations =
      Joined(shape.aggregations, "\n", [&](size_t i) { return AggregationYaml(shape, i); });
  const std::string windowed = Joined(shape.windowed(), ", ", [&](size_t i) {
    return fmt::format("activity.a{}_{}", i / shape.windows, kWindows[i % shape.windows]);
  });
  const std::string derived = Joined(shape.derived, "", [](size_t i) {
    return fmt::format(
        "\n      - {{name: d{}, type: double, expr: \"request.basket / (activity.a0_1h + {}.0)\"}}",
        i, i + 1);
  });
  const std::string derived_view =
      shape.derived == 0
          ? ""
          : "  - name: signals\n    request: {basket: double}\n    features:" + derived;
  const std::string derived_features =
      Joined(shape.derived, "", [](size_t i) { return fmt::format(", signals.d{}", i); });
  const std::string unasked_fields =
      Joined(shape.unasked, "", [](size_t i) { return fmt::format(", u{}: double", i); });
  const std::string unasked_view =
      shape.unasked == 0
          ? ""
          : fmt::format(
                "  - {{name: unasked, entity: user, source: others, features: [{}]}}",
                Joined(shape.unasked, ", ", [](size_t i) { return fmt::format("u{}", i); }));
  const std::string row_features =
      Joined(shape.windowed(), ", ", [](size_t i) { return fmt::format("profile.r{}", i); });
  return fmt::format(R"(
entities:
  - {{name: user, join_keys: {{user_id: int64}}}}
sources:
  - name: {}
    push: {{}}
    timestamp: {{field: at, unit: ms}}
    fields: {{user_id: int64, {}}}
  - name: rows
    file: {{path: rows.csv}}
    timestamp: {{field: at, unit: ms}}
    fields: {{user_id: int64, {}}}
  - name: others
    file: {{path: others.csv}}
    timestamp: {{field: at, unit: ms}}
    fields: {{user_id: int64{}}}
feature_views:
  - name: activity
    entity: user
    source: {}
    aggregations:
{}
  - {{name: {}, entity: user, source: rows, features: [{}]}}
{}
{}
feature_services:
  - {{name: bench, features: [{}, {}{}]}}
)",
                     kStreamSource, amounts, fields, unasked_fields, kStreamSource, aggregations,
                     kRowView, columns, derived_view, unasked_view, windowed, row_features,
                     derived_features);
}

std::string RowsCsv(const Case& shape, int64_t rows, int64_t now_ms) {
  Random random(kDataSeed);
  std::string text = "user_id,at";
  for (size_t i = 0; i < shape.windowed(); ++i) text += fmt::format(",r{}", i);
  for (int64_t user = kFirstUser; user < kFirstUser + rows; ++user) {
    text += fmt::format("\n{},{}", user, now_ms);
    for (size_t i = 0; i < shape.windowed(); ++i) text += "," + ColumnText(i, random);
  }
  return text;
}

EventMaker::EventMaker(const Case& shape, int64_t now_ms)
    : shape_(shape), now_ms_(now_ms), random_(kDataSeed) {}

std::string EventMaker::Next() {
  const auto per_user = static_cast<int64_t>(std::size(kSpansMs)) * shape_.events_per_span;
  const int64_t user = made_ / per_user % shape_.users;
  const int64_t span_ms = kSpansMs[made_ % per_user / shape_.events_per_span];
  ++made_;
  return Make(user, now_ms_ - Below(random_, span_ms));
}

std::string EventMaker::NextOfAny(int64_t time_ms) {
  return Make(Below(random_, shape_.users), time_ms);
}

std::string EventMaker::Make(int64_t user, int64_t time_ms) {
  const std::string amounts = Joined(kAmounts, ",", [&](size_t amount) {
    return fmt::format("\"amount_{}\":{}.5", amount, Below(random_, 1'000));
  });
  return fmt::format("{{\"user_id\":{},\"at\":{},{}}}", kFirstUser + user, time_ms, amounts);
}

int64_t EventMaker::count() const {
  return shape_.users * static_cast<int64_t>(std::size(kSpansMs)) * shape_.events_per_span;
}

std::vector<grpc::ByteBuffer> MakeRequests(const Case& shape) {
  Random random(kDataSeed);
  std::vector<grpc::ByteBuffer> requests;
  for (size_t i = 0; i < (shape.entities == 1 ? kRequests : kRequestsOfMany); ++i) {
    v1::GetFeaturesRequest request;
    request.set_feature_service("bench");
    v1::Column* column = request.add_entities();
    column->set_name("user_id");
    for (size_t row = 0; row < shape.entities; ++row) {
      column->mutable_int64s()->add_values(kFirstUser + Below(random, shape.users));
    }
    if (shape.derived > 0) {
      v1::Column* input = request.add_inputs();
      input->set_name("basket");
      input->mutable_doubles()->add_values(12.5);
    }
    const grpc::Slice slice(request.SerializeAsString());
    requests.emplace_back(&slice, 1);
  }
  return requests;
}

Status CheckAnswer(const Case& shape, const grpc::ByteBuffer& answer) {
  grpc::ByteBuffer bytes = answer;
  grpc::ProtoBufferReader reader(&bytes);
  v1::GetFeaturesResponse response;
  if (!response.ParseFromZeroCopyStream(&reader))
    return Status::Internal("the answer is no GetFeaturesResponse");
  if (response.row_count() != shape.entities ||
      response.features_size() != static_cast<int>(shape.features())) {
    return Status::Internal(fmt::format("the answer has {} rows of {} features",
                                        response.row_count(), response.features_size()));
  }
  for (const v1::FeatureColumn& column : response.features()) {
    if (!column.statuses().empty())
      return Status::Internal(fmt::format("{} is not PRESENT everywhere", column.name()));
  }
  return Status::Ok();
}

}  // namespace freshet::serve_bench
