// The engine: a whole Freshet inside the calling process. The server is this behind gRPC.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "freshet/event_delays.h"
#include "freshet/explain.h"
#include "freshet/feature_block.h"
#include "freshet/features.h"
#include "freshet/load.h"
#include "freshet/options.h"
#include "freshet/request_gate.h"
#include "freshet/status.h"

namespace freshet {

// One YAML file; the name is for messages.
struct DefinitionText {
  std::string name;
  std::string text;
};

struct DefinitionError {
  std::string file;
  int line = 0;  // from 1; 0: the file as a whole
  int column = 0;
  std::string message;
};

enum class DefinitionChangeKind : uint8_t { kAdd, kChange, kRemove };

struct DefinitionChange {
  DefinitionChangeKind kind = DefinitionChangeKind::kAdd;
  std::string subject;
  std::string detail;
  bool refused = false;
  std::string reason;
  std::string way_out;
};

struct PlanOutcome {
  std::vector<DefinitionError> errors;    // when there are any, there are no changes
  std::vector<DefinitionChange> changes;  // empty: nothing would change
  bool applicable() const;                // no errors and nothing refused
};

struct ServerStatus {
  struct Partition {
    int32_t partition = 0;
    int64_t next_offset = 0;
    int64_t checkpointed_offset = 0;
    int64_t end_offset = -1;  // -1 while unknown
  };
  struct Stream {  // one reader of one source
    std::string source;
    std::vector<std::string> views;
    std::string state;
    bool failed = false;
    int64_t as_of_ms = kNoEventTimeMs;
    std::vector<Partition> partitions;
  };
  struct Source {
    std::string name;
    std::string kind;  // "kafka", "push", "file"
    uint64_t events = 0;
    uint64_t applied = 0;
    uint64_t too_old = 0;
    uint64_t truncated = 0;
    uint64_t repeated = 0;  // told by `deduplicate`
    uint64_t filter_failures = 0;
    uint64_t lost = 0;
    std::map<std::string, uint64_t> refused;  // by reason
    EventDelays delays;                       // of the events that were not refused
  };
  struct View {
    std::string name;
    std::string kind;  // "stream", "row", "batch", "on-demand"
    std::string entity;
    std::string source;
    uint32_t features = 0;
    int64_t loaded_at_ms = kNoEventTimeMs;  // batch views: when the served generation was published
    uint64_t rows = 0;                      // batch views: in the served generation
    // Batch views: what a rollback brings back, when something is kept.
    int64_t previous_loaded_at_ms = kNoEventTimeMs;
    uint64_t previous_rows = 0;
  };
  bool ready = false;
  std::string version;
  int64_t now_ms = 0;
  int64_t started_at_ms = 0;
  std::vector<Stream> streams;
  std::vector<Source> sources;
  std::vector<View> views;
  std::vector<UnfinishedLoad> unfinished_loads;  // the oldest first
  std::vector<std::string> services;
  std::map<std::string, uint64_t> counters;  // of serving and of the store, by name
};

// What was erased of an entity, and what was not.
struct ForgetReceipt {
  struct Part {
    std::string name;    // of a view or a source
    std::string what;    // "timeline", "row", "row of the load before", "pushed events"
    uint64_t count = 0;  // 0: there was none
  };
  std::vector<Part> parts;             // all of what was looked at
  std::vector<std::string> remaining;  // one sentence each: where its data may still be
};

// What one entity key or input of a service looks like, so that a caller can type what a person
// wrote.
struct ServiceColumn {
  std::string name;
  Type type = Type::kInt64;  // of a list: of its elements
  bool is_list = false;
};
struct ServiceDescription {
  std::string name;  // empty for a list of features
  std::vector<ServiceColumn> entities;
  std::vector<ServiceColumn> inputs;
  std::vector<ServiceColumn> features;
};

// All methods may be called from any thread.
class Engine {
 public:
  // Opens the data folder, serves what was applied before, and starts to ingest.
  static Result<std::unique_ptr<Engine>> Open(const Options& options);
  virtual ~Engine() = default;  // stops first

  // Checks definitions on their own.
  static std::vector<DefinitionError> Validate(const std::vector<DefinitionText>& files);

  // What applying would do, and nothing done.
  virtual Result<PlanOutcome> Plan(const std::vector<DefinitionText>& files) = 0;
  // Plans and, if applicable, makes it so: durable on return, without a pause in serving. Nothing
  // changes otherwise.
  virtual Result<PlanOutcome> Apply(const std::vector<DefinitionText>& files) = 0;

  // Reuses the buffers of *answer: keep one per thread.
  virtual Status GetFeatures(const FeatureRequest& request, FeatureBlock* answer) = 0;
  // The same column by column.
  Status GetFeatures(const FeatureRequest& request, FeatureResponse* response) {
    FeatureBlock answer;
    Status status = GetFeatures(request, &answer);
    if (status.ok()) ToResponse(answer, response);
    return status;
  }
  // How each value of an answer to this request comes about. Of one row: InvalidArgument for more.
  virtual Result<Explanation> Explain(const FeatureRequest& request) = 0;
  // For servers in front of the engine; GetFeatures itself takes whatever it is given.
  virtual RequestGate& gate() = 0;

  // Appends JSON records to a push source's log; durable on return, visible to reads soon after.
  // Answers the offset of the last. NotFound, FailedPrecondition (not a push source),
  // InvalidArgument (too many, too large: nothing was appended).
  virtual Result<int64_t> Push(std::string_view source,
                               const std::vector<std::string_view>& records) = 0;

  virtual Result<std::unique_ptr<LoadSession>> Load(const LoadRequest& request) = 0;
  // Serves again what the view served before the last load that replaced it, in one atomic step; what
  // was served until now goes. FailedPrecondition when nothing is kept, and while the view is being
  // loaded.
  virtual Result<RollbackOutcome> Rollback(std::string_view view) = 0;
  // Removes what is kept of an unfinished load. NotFound when there is none of that id,
  // FailedPrecondition while it is under way.
  virtual Status DiscardLoad(uint64_t id) = 0;

  // Erases an entity, named by all of its join keys as text, from rows, from what a rollback would bring
  // back, from timelines and from the logs of push sources, durably and out of the files on return. Events
  // that come later count anew. Everything may have been erased in part on error: it is right to call it again.
  // InvalidArgument when no entity has those join keys; FailedPrecondition while a view of the entity is
  // being loaded.
  virtual Result<ForgetReceipt> Forget(const std::map<std::string, std::string>& join_keys) = 0;

  // The columns of a feature service or of a list of "view.feature" names: one of the two, as in a
  // request. NotFound for an unknown name, InvalidArgument for both or neither.
  virtual Result<ServiceDescription> DescribeService(std::string_view service,
                                                     const std::vector<std::string>& features) = 0;
  virtual ServerStatus GetStatus() = 0;
  // True once every stream has caught up to where it stood at the start.
  virtual bool Ready() const = 0;

  // Stops ingest, writes a last checkpoint. Idempotent; reads go on until destruction.
  virtual Status Stop() = 0;
};

}  // namespace freshet
