// Every bound of Freshet, named, in one place. A bound that an operator may move is a configuration
// option whose allowed range stands here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace freshet::limits {

// Definitions.
inline constexpr size_t kNameBytesMax = 128;
inline constexpr size_t kDefinitionFilesMax = 1'000;
inline constexpr size_t kDefinitionBytesMax = 4u << 20;  // all files of one folder together
inline constexpr size_t kEntitiesMax = 1'000;
inline constexpr size_t kSourcesMax = 1'000;
inline constexpr size_t kFeatureViewsMax = 10'000;
inline constexpr size_t kFeatureServicesMax = 10'000;
inline constexpr size_t kJoinKeysMax = 8;        // of one entity
inline constexpr size_t kFieldsMax = 1'000;      // of one source
inline constexpr size_t kNullSpellingsMax = 16;  // of one file source
inline constexpr size_t kFeaturesPerViewMax = 1'000;
inline constexpr size_t kExpectedValuesMax = 1'000;  // listed by `in` of one feature
inline constexpr size_t kFeaturesPerRequestMax = 2'000;
inline constexpr size_t kAggregationsMax = 256;                // of one view
inline constexpr size_t kWindowsMax = 16;                      // different ones of one view
inline constexpr int64_t kWindowMsMax = 3'660LL * 86'400'000;  // ten years
inline constexpr int64_t kWindowMsMin = 1'000;
inline constexpr uint32_t kPeriodsBackMax = 1;  // of a tumbling or calendar window
inline constexpr size_t kYamlDepthMax = 32;
inline constexpr size_t kYamlNodesMax = 1'000'000;  // of one file, its aliases written out

// Expressions.
inline constexpr size_t kExpressionBytesMax = 4'096;
inline constexpr size_t kExpressionDepthMax = 64;
inline constexpr size_t kExpressionNodesMax = 1'024;
inline constexpr size_t kExpressionStringBytesMax =
    1u << 20;  // all strings together that one evaluation may build
inline constexpr int64_t kPatternMemoryBytesMax = 1 << 20;  // of one regular expression, in all

// Events.
inline constexpr size_t kEventBytesMax = 1u << 20;
inline constexpr size_t kJsonDepthMax = 64;
inline constexpr size_t kStringValueBytesMax =
    64u << 10;  // one string field, join key, row column or text that is aggregated
inline constexpr int64_t kEventTimeMsMin = -62'135'596'800'000;  // 0001-01-01
inline constexpr int64_t kEventTimeMsMax = 253'402'300'799'999;  // 9999-12-31
inline constexpr int64_t kClockSkewMsDefault =
    60'000;  // how far ahead of its record an event may be
inline constexpr int64_t kClockSkewMsMax = 3'600'000;
inline constexpr size_t kPollBatchRecordsMax = 4'096;
inline constexpr size_t kPushRecordsMax = 10'000;  // of one Push call
inline constexpr size_t kPartitionsMax = 4'096;    // of one topic

// Ingest.
inline constexpr int64_t kLaneMergeRecordsMax =
    1'000'000;  // tables this many records apart share a reader at a start
inline constexpr size_t kKafkaQueueRecordsMax = 500'000;  // fetched ahead of one reader
inline constexpr size_t kKafkaQueueKilobytesMax = 128u << 10;
inline constexpr size_t kDeadLetterQueueRecordsMax =
    100'000;  // sent and not yet delivered, of one reader
inline constexpr size_t kDeadLetterQueueKilobytesMax = 64u << 10;
inline constexpr size_t kDeadLetterKeyBytesMax = 32u << 10;  // a longer key is left out
inline constexpr size_t kPushBatchBytes = 16u << 20;  // aimed at, of one batch from an event log
inline constexpr size_t kAsOfProbesMax = 64;          // asked for and not yet reached, of one lane

// Checkpoints. The pause between two is at least this many times what the last one took to write, up to so many intervals.
inline constexpr int64_t kCheckpointPauseWrites = 9;
inline constexpr int64_t kCheckpointIntervalsMax = 10;
inline constexpr size_t kCheckpointFileBytes = 16u << 20;  // from here on it is written as files

// Timelines.
inline constexpr size_t kTimelineCellsMax = 10'000;     // of one entity in one view
inline constexpr size_t kTimelineBytesMax = 8u << 20;   // of its cells
inline constexpr size_t kLifetimeBytesMax = 32u << 20;  // of the cell of the lifetime
inline constexpr int64_t kHopsPerWindow =
    60;  // the default hop is the largest round duration <= window / 60
inline constexpr int64_t kLifetimeHeadHopMs = 1'000;  // head hop of a view that has no windows

inline constexpr uint32_t kLastEventsMax = 1'000;     // of one window
inline constexpr size_t kLastEventsSpare = 64;        // kept beyond it, for readers in the past
inline constexpr size_t kRecentEventsMax = 20'000;    // kept one by one
inline constexpr size_t kRecentBytesMax = 4u << 20;   // of them
inline constexpr size_t kSeenIdentitiesMax = 20'000;  // of one entity, that tell repeats
inline constexpr int64_t kDeduplicateMsMax = 7LL * 86'400'000;
inline constexpr int64_t kLongestSessionMsDefault = 86'400'000;

// Aggregates of variable size.
inline constexpr size_t kDistinctExactMax = 512;          // values that are told apart exactly
inline constexpr size_t kPercentileExactMax = 64;         // values that are kept as they are
inline constexpr size_t kPercentileBinsMax = 2'048;       // on either side of zero
inline constexpr size_t kQuantilesMax = 16;               // of one aggregation
inline constexpr size_t kEdgesMax = 64;                   // of one histogram
inline constexpr size_t kCategoriesMax = 256;             // different ones that are told apart
inline constexpr size_t kCategoriesBytesMax = 64u << 10;  // of one slot
inline constexpr size_t kListItemsMax = 100;              // the most that `k` may be
inline constexpr size_t kFrequentValuesMax = 256;         // different values that are counted
inline constexpr size_t kFrequentBytesMax = 1u << 20;     // of one slot of them

// Requests.
inline constexpr size_t kEntitiesPerRequestMax = 10'000;
inline constexpr size_t kMessageBytesMax = 16u << 20;
inline constexpr size_t kMetadataBytesMax = 16u << 10;
inline constexpr size_t kConcurrentStreamsMax = 1'000;
inline constexpr size_t kEntityKeyBytesMax = 64u << 10;
// As JSON in the key of a record; escapes may make a text six times as long.
inline constexpr size_t kTombstoneKeyBytesMax = 6 * kEntityKeyBytesMax;
inline constexpr size_t kValuesPerRequestMax = 2'000'000;  // rows times features, hidden ones too
inline constexpr int64_t kTimeoutMsMax = 600'000;          // a longer deadline is none
inline constexpr size_t kReadAfterMax = 64;                // events that one request waits for
inline constexpr int64_t kReadWaitUsMax = 10'000'000;      // for events, when there is no deadline
inline constexpr int64_t kAnswerMarginUsMax = 5'000;       // of a deadline, kept for the way back
inline constexpr uint32_t kDerivedRowsPerLook = 256;       // derived between two looks at the clock
inline constexpr size_t kExplainedCellsMax = 1'000;        // the newest of a timeline
inline constexpr int64_t kRequestsInFlightMax = 65'536;    // what may be configured
inline constexpr size_t kRequestsInFlightPerProcessor = 32;  // when nothing is
inline constexpr int64_t kOverloadMs = 100;                  // from a refusal on
inline constexpr int64_t kOverloadWaitMs = 5;                // in the queue, while overloaded
inline constexpr size_t kListPlansMax = 256;     // compiled lists of features that are kept
inline constexpr size_t kIdleScratchesMax = 64;  // of one plan, for its next requests
inline constexpr size_t kIdleScratchValuesMax = 262'144;    // of a larger request it is not kept
inline constexpr size_t kIdleFoundRowsBytesMax = 4u << 20;  // of a request of more it is not kept
inline constexpr size_t kFailureReasonsMax = 100;           // of one feature in an answer
inline constexpr size_t kAnswerTemplatesMax = 64;      // that a thread keeps of one-row answers
inline constexpr size_t kDerivedDepthMax = 100;        // on-demand features that read one another
inline constexpr size_t kIdleScratchKeysMax = 65'536;  // a larger scratch is not kept

// The gRPC server. What waits is bounded by its bytes, and refused beyond.
inline constexpr size_t kRpcMemoryBytesMax = 1u << 30;  // of gRPC's own buffers
inline constexpr size_t kPushWorkers = 4;
inline constexpr size_t kPushWaitingBytesMax = 64u << 20;
inline constexpr size_t kWaitingReads = 64;  // at once, each a thread, for events of read_after
inline constexpr size_t kWaitingReadsBytesMax = 16u << 20;
inline constexpr size_t kPlanWaitingBytesMax = 32u << 20;
inline constexpr size_t kLoadsMax = 2;                       // at once
inline constexpr int64_t kLoadIdleMsMax = 60'000;            // between two messages of a load
inline constexpr size_t kAnswerScratchBytesMax = 8u << 20;   // likewise, of an answer's values
inline constexpr size_t kRequestScratchBytesMax = 1u << 20;  // kept by a thread between requests
inline constexpr size_t kErrorBytesMax = 2'048;              // of a message in a gRPC status

// The HTTP server.
inline constexpr size_t kHttpConnectionsDefault = 256;  // at once, each with a thread
inline constexpr int64_t kHttpConnectionsMin = 1;
inline constexpr int64_t kHttpConnectionsMax = 4'096;
inline constexpr size_t kHttpConnectionBytesMax = 32u << 10;  // of one: the head of a request
inline constexpr size_t kHttpBodyBytesMax = 4u << 20;
inline constexpr size_t kHttpBodiesBytesMax = 32u << 20;  // of all requests under way
inline constexpr size_t kHttpJsonDepthMax = 4;            // objects and arrays inside each other
inline constexpr int64_t kHttpIdleMsMax = 30'000;         // a connection on which nothing comes

// Loads.
inline constexpr size_t kRowBytesMax = 1u << 20;  // one line of a file
inline constexpr size_t kLoadChunkBytesMax = 1u << 20;
inline constexpr size_t kStoredRowBytesMax = 4u << 20;  // a row as it is kept, all columns together
inline constexpr size_t kManifestBytesMax = 64u << 20;  // of a folder of built rows
inline constexpr size_t kFileColumnsMax = 10'000;       // of a file with a header
inline constexpr size_t kLoadFilesMax = 100'000;        // of one load
inline constexpr size_t kPathValuesMax = 64;            // of one file
inline constexpr size_t kLoadMemoryBytesMin = 1u << 20;  // for sorting a load
inline constexpr size_t kBadRowReportsMax = 100;  // reported one by one; the others are counted
inline constexpr size_t kUnfinishedLoadsMax = 8;  // kept at once for a resumption
inline constexpr int64_t kKeepUnfinishedMsMin = 60'000;
inline constexpr int64_t kKeepUnfinishedMsMax = 30LL * 86'400'000;
inline constexpr size_t kBadRowsBytesMax = 256u << 10;  // of all of them that one message carries

// Object stores that files of a load are read from.
inline constexpr size_t kObjectReadBytes = 4u << 20;  // asked for at once, and held of one object
inline constexpr double kObjectConnectSecondsMax = 5;
inline constexpr double kObjectRequestSecondsMax = 30;
inline constexpr int kObjectTriesMax = 4;  // of one request, the first included

// What the server's configuration may say.
inline constexpr int64_t kCacheBytesMin = 1 << 20;
inline constexpr int64_t kCacheBytesMax = 1LL << 40;
inline constexpr int64_t kWriteBufferBytesMin = 1 << 20;
inline constexpr int64_t kWriteBufferBytesMax = 4LL << 30;
inline constexpr int64_t kCheckpointIntervalMsMin = 10;
inline constexpr int64_t kCheckpointIntervalMsMax = 600'000;
inline constexpr int64_t kCheckpointDirtyBytesMin = 1 << 20;
inline constexpr int64_t kCheckpointDirtyBytesMax = 64LL << 30;
inline constexpr int64_t kAsOfIntervalMsMin = 20;
inline constexpr int64_t kAsOfIntervalMsMax = 60'000;
inline constexpr int64_t kLoadMemoryBytesMax = 64LL << 30;
inline constexpr size_t kConfigurationBytesMax = 1u << 20;

// The store.
inline constexpr int kStoreOpenFilesMax = 512;          // of RocksDB
inline constexpr size_t kSortedFileBytes = 256u << 20;  // of one file of a generation
inline constexpr size_t kMergeRunsMax = 64;             // sorted runs that are merged at once
inline constexpr size_t kRunBlockBytes = 256u << 10;    // of a run: rows written and read at once
// Rows that come in no order are sorted in parts: large ones take more new memory and lie farther apart, small ones
// leave more runs to merge. With the rows in runs, parts grow to this share of them.
inline constexpr size_t kSortedPartBytes = 32u << 20;
inline constexpr uint64_t kSortedPartShare = 8;
inline constexpr uint64_t kRemovedBytesPerSecondMax = 256u << 20;  // of generations that went out
// Rows past their retention are looked for this often in the time that it is, within the two bounds.
inline constexpr int64_t kRetentionSweeps = 16;
inline constexpr int64_t kRetentionSweepMsMin = 600'000;
inline constexpr int64_t kRetentionSweepMsMax = 7 * 86'400'000;
inline constexpr size_t kLogGroupBytesMax = 8u << 20;  // appended to an event log by one write
inline constexpr size_t kLookupKeysMax = 256;          // looked up between two looks at the clock
// Of rows that come in order, what keeps the thread that gathers and the one that writes busy: much smaller parts are written before
// the scheduler has found their thread a processor of its own.
inline constexpr size_t kOrderedPartBytes = 16u << 20;  // for a file of the sorter's own
// The same where one processor does both: what its cache still has when it is written.
inline constexpr size_t kCachedPartBytes = 256u << 10;
inline constexpr size_t kPipePartBytes = 8u << 20;  // for the file of a generation
inline constexpr int kStaleReadsMax = 3;            // before a read holds back eviction

static_assert(kPushRecordsMax >= kPollBatchRecordsMax);
static_assert(kCategoriesBytesMax <= kFrequentBytesMax && kFrequentBytesMax < kLifetimeBytesMax);
static_assert(kPushWaitingBytesMax >= kMessageBytesMax && kPlanWaitingBytesMax >= kMessageBytesMax);
static_assert(kWaitingReadsBytesMax >= kMessageBytesMax);
static_assert(kLoadChunkBytesMax < kMessageBytesMax && kEventBytesMax < kMessageBytesMax);
static_assert(kRowBytesMax >= kStringValueBytesMax && kEventBytesMax >= kStringValueBytesMax);

}  // namespace freshet::limits
