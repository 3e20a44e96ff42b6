// What is asked of the server in one case: definitions, the data behind them, and the requests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <grpcpp/support/byte_buffer.h>

#include "freshet/status.h"

namespace freshet::serve_bench {

// What one server has and is asked for. Half of the features are windowed aggregates over a stream,
// half are columns of rows; on-demand features come on top.
struct Case {
  std::string name;
  size_t entities = 0;      // of one request
  size_t aggregations = 0;  // of the stream view
  size_t windows = 0;       // of each aggregation
  size_t concurrency = 0;   // calls under way in the closed loop
  size_t derived = 0;       // on-demand features, each over one windowed feature and an input
  size_t unasked = 0;       // features that are defined and not asked for
  int64_t users = 1'000;
  int64_t events_per_span = 40;  // of each user in each of three spans of time
  double cache_share = 1;        // of all state that the cache may hold
  // What goes on while it is measured: events, and loads of so many rows, one after the other.
  int64_t pushed_per_s = 0;
  int64_t loaded_rows = 0;

  size_t windowed() const { return aggregations * windows; }
  bool is_busy() const { return pushed_per_s > 0 || loaded_rows > 0; }
  size_t features() const { return 2 * windowed() + derived; }
};

const std::vector<Case>& AllCases();
// Null when no case has that name.
const Case* FindCase(const std::string& name);

// The data is the same in every run but for the time, which ends at `now_ms`.
std::string DefinitionsYaml(const Case& shape);
// Of users from the first on, `rows` of them.
std::string RowsCsv(const Case& shape, int64_t rows, int64_t now_ms);
// The events behind the data, one after the other, and more of the same kind.
class EventMaker {
 public:
  EventMaker(const Case& shape, int64_t now_ms);
  int64_t count() const;
  std::string Next();
  // Of a random user.
  std::string NextOfAny(int64_t time_ms);

 private:
  std::string Make(int64_t user, int64_t time_ms);

  const Case shape_;
  const int64_t now_ms_;
  std::mt19937_64 random_;
  int64_t made_ = 0;
};
inline constexpr char kStreamSource[] = "events";
inline constexpr char kRowView[] = "profile";

// Requests on the wire, all of one size, for entities that the data knows.
std::vector<grpc::ByteBuffer> MakeRequests(const Case& shape);
// OK when the answer has every feature for every entity, all of them PRESENT.
Status CheckAnswer(const Case& shape, const grpc::ByteBuffer& answer);

}  // namespace freshet::serve_bench
