// Serving: request -> plan -> lookup -> finalize -> response.
//
// A feature service compiles once, when definitions change, to a plan; a request for a list of
// features compiles one of its own and keeps it for the next with the same list. Answering holds no
// lock longer than it takes to read one timeline.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/explain.h"
#include "freshet/feature_block.h"
#include "freshet/features.h"
#include "freshet/status.h"

#include "base/clock.h"
#include "registry/registry.h"
#include "store/store.h"

namespace freshet::serve {

struct ServeOptions {
  bool allow_read_time = false;
};

// Whether an event is in its table; kNever where no wait will help.
enum class Arrival : uint8_t { kIn, kNotYet, kNever };

// What serving asks about the streams behind tables: Ingestor's AsOfMs, WaitUntilIn and Positions.
struct StreamStanding {
  std::function<int64_t(registry::TableId table)> as_of_ms;
  std::function<Arrival(registry::TableId table, int32_t partition, int64_t offset,
                        std::chrono::steady_clock::time_point deadline)>
      wait_until_in;
  // Every event of the table's stream before these places is in.
  std::function<std::vector<StreamPosition>(registry::TableId table)> positions;
};

struct ServeStats {
  uint64_t requests = 0;
  uint64_t requests_failed = 0;
  uint64_t values = 0;
  uint64_t values_failed = 0;
};

struct ColumnDescription {
  std::string name;
  Type type = Type::kInt64;
  bool is_list = false;
};
struct ServiceColumns {
  std::vector<ColumnDescription> entities;
  std::vector<ColumnDescription> inputs;
  std::vector<ColumnDescription> features;
};

class FeatureServer {
 public:
  // `store` and `clock` must outlive it.
  static std::unique_ptr<FeatureServer> New(const ServeOptions& options, store::Store& store,
                                            const Clock& clock, StreamStanding streams);
  virtual ~FeatureServer() = default;

  // Swaps all plans for those of `registry`; requests under way finish on the old ones. Any thread,
  // one at a time.
  virtual Status Apply(std::shared_ptr<const registry::Registry> registry) = 0;

  // Fills *answer, whose buffers are reused: keep one per thread. InvalidArgument names the field
  // of the request and what is allowed: unknown service or feature, both or neither given, missing,
  // unknown or repeated column, wrong type, columns of different length, too many entities or
  // features, a read time that is not permitted. FailedPrecondition for a stale stream under kFail.
  // DeadlineExceeded when the time was out before it began, Cancelled when the caller gave up while it
  // waited. Blocks for the events of read_after and for the disk. Any thread.
  virtual Status GetFeatures(const FeatureRequest& request, FeatureBlock* answer) = 0;
  // The same column by column.
  Status GetFeatures(const FeatureRequest& request, FeatureResponse* response) {
    FeatureBlock answer;
    Status status = GetFeatures(request, &answer);
    if (status.ok()) ToResponse(answer, response);
    return status;
  }

  // How each value of GetFeatures' answer comes about. InvalidArgument for a request of more than one
  // row, or one that would wait. Any thread.
  virtual Result<Explanation> Explain(const FeatureRequest& request) = 0;

  // The columns that a service or a list of features takes and answers, in its order; one of the
  // two is given. NotFound for an unknown name, InvalidArgument for both or neither. Any thread.
  virtual Result<ServiceColumns> DescribeService(std::string_view service,
                                                 std::span<const std::string> features) const = 0;

  virtual ServeStats Stats() const = 0;
};

}  // namespace freshet::serve
