// What is asked of the server in one case: definitions, the data behind them, and the requests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <grpcpp/support/byte_buffer.h>

#include "freshet/status.h"

namespace freshet::serve_bench {

// Half of the features are windowed aggregates over a stream, half are columns of rows.
struct Case {
  std::string name;
  size_t entities = 0;      // of one request
  size_t aggregations = 0;  // of the stream view
  size_t windows = 0;       // of each aggregation
  size_t concurrency = 0;   // calls under way in the closed loop

  size_t windowed() const { return aggregations * windows; }
  size_t features() const { return 2 * windowed(); }
};

// 1x20, 1x250 and 100x50.
const std::vector<Case>& AllCases();
// Null when no case has that name.
const Case* FindCase(const std::string& name);

// The data is the same in every run but for the time, which ends at `now_ms`.
std::string DefinitionsYaml(const Case& shape);
std::string RowsCsv(const Case& shape, int64_t now_ms);
std::vector<std::string> EventsJson(int64_t now_ms);
inline constexpr char kStreamSource[] = "events";
inline constexpr char kRowView[] = "profile";

// Requests on the wire, all of one size, for entities that the data knows.
std::vector<grpc::ByteBuffer> MakeRequests(const Case& shape);
// OK when the answer has every feature for every entity, all of them PRESENT.
Status CheckAnswer(const Case& shape, const grpc::ByteBuffer& answer);

}  // namespace freshet::serve_bench
