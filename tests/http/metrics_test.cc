#include "http/metrics.h"

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace freshet::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ServerStatus SomeStatus() {
  ServerStatus status;
  status.ready = true;
  status.version = "1.2.3";
  status.now_ms = 10'500;
  status.services = {"ranking"};
  ServerStatus::Stream stream;
  stream.source = "clicks";
  stream.views = {"activity", "trends"};
  stream.as_of_ms = 10'000;
  stream.partitions = {{0, 70, 50, 100}, {1, 7, 7, -1}, {2, 9, 9, 8}};
  ServerStatus::Stream failed;
  failed.source = "views";
  failed.views = {"seen"};
  failed.failed = true;
  status.streams = {stream, failed};
  ServerStatus::Source clicks{.name = "clicks", .kind = "kafka", .events = 100, .applied = 90};
  clicks.too_old = 3;
  for (const int64_t delay_ms : {-5, 0, 900, 1'001, 700'000'000}) clicks.delays.Add(delay_ms);
  clicks.refused = {{"not_json", 4}, {"\"odd\"", 1}};
  status.sources = {clicks, {.name = "users", .kind = "file"}};
  ServerStatus::View profile{.name = "profile", .kind = "batch"};
  profile.rows = 1'000;
  profile.loaded_at_ms = 5'250;
  status.views = {profile, {.name = "empty", .kind = "batch"}, {.name = "seen", .kind = "stream"}};
  status.counters = {{"serve_requests", 12}, {"store_cache_bytes", 4'096}, {"of_the_future", 5}};
  return status;
}

TEST(Metrics, TellsWhatTheStatusHolds) {
  const std::string text = RenderMetrics(SomeStatus(), std::nullopt, {});
  for (const char* line :
       {"freshet_build_info{version=\"1.2.3\"} 1\n",
        "freshet_ready 1\n",
        "# TYPE freshet_requests_total counter\nfreshet_requests_total 12\n",
        "# TYPE freshet_cache_bytes gauge\nfreshet_cache_bytes 4096\n",
        "# TYPE freshet_of_the_future untyped\nfreshet_of_the_future 5\n",
        "# TYPE freshet_source_events_total counter\n"
        "freshet_source_events_total{source=\"clicks\"} 100\n",
        "freshet_source_applied_total{source=\"clicks\"} 90\n",
        "freshet_source_too_old_total{source=\"clicks\"} 3\n",
        "freshet_source_refused_total{source=\"clicks\",reason=\"not_json\"} 4\n",
        "freshet_source_refused_total{source=\"clicks\",reason=\"\\\"odd\\\"\"} 1\n",
        "freshet_source_event_delay_seconds_bucket{source=\"clicks\",le=\"1\"} 3\n",
        "freshet_source_event_delay_seconds_bucket{source=\"clicks\",le=\"10\"} 4\n",
        "freshet_source_event_delay_seconds_bucket{source=\"clicks\",le=\"604800\"} 4\n",
        "freshet_source_event_delay_seconds_bucket{source=\"clicks\",le=\"+Inf\"} 5\n",
        "freshet_source_event_delay_seconds_count{source=\"clicks\"} 5\n",
        "freshet_stream_failed{source=\"clicks\",views=\"activity,trends\"} 0\n",
        "freshet_stream_failed{source=\"views\",views=\"seen\"} 1\n",
        "freshet_stream_as_of_age_seconds{source=\"clicks\",views=\"activity,trends\"} 0.5\n",
        "freshet_stream_lag_records{source=\"clicks\",views=\"activity,trends\",partition=\"0\"} "
        "30\n",
        "freshet_stream_lag_records{source=\"clicks\",views=\"activity,trends\",partition=\"2\"} "
        "0\n",
        "freshet_stream_checkpointed_position{source=\"clicks\",views=\"activity,trends\","
        "partition=\"0\"} 50\n",
        "freshet_view_rows{view=\"profile\"} 1000\n",
        "freshet_view_rows{view=\"empty\"} 0\n",
        "freshet_view_loaded_timestamp_seconds{view=\"profile\"} 5.25\n"})
    EXPECT_THAT(text, HasSubstr(line));
}

TEST(Metrics, WhatIsUnknownIsAbsent) {
  const std::string text = RenderMetrics(SomeStatus(), std::nullopt, {});
  EXPECT_THAT(text, Not(HasSubstr("as_of_age_seconds{source=\"views\"")));
  EXPECT_THAT(text, Not(HasSubstr("lag_records{source=\"clicks\",views=\"activity,trends\","
                                  "partition=\"1\"")));
  EXPECT_THAT(text, Not(HasSubstr("loaded_timestamp_seconds{view=\"empty\"")));
  EXPECT_THAT(text, Not(HasSubstr("source=\"users\"")));
  EXPECT_THAT(text, Not(HasSubstr("process_")));
  const std::string nothing = RenderMetrics({}, std::nullopt, {});
  EXPECT_THAT(nothing, Not(HasSubstr("# TYPE freshet_stream")));
}

TEST(Metrics, TellsOfTheProcess) {
  const auto process = ReadProcessFigures();
  ASSERT_TRUE(process.has_value());
  EXPECT_GT(process->resident_bytes, 1u << 20);
  EXPECT_GE(process->virtual_bytes, process->resident_bytes);
  EXPECT_GE(process->threads, 1u);
  EXPECT_LT(process->cpu_seconds, 3'600);
  const int64_t now_seconds = time(nullptr);
  EXPECT_LE(process->started_at_seconds, static_cast<double>(now_seconds) + 1);
  EXPECT_GT(process->started_at_seconds, static_cast<double>(now_seconds) - 600);
  EXPECT_GT(process->open_files_max, process->open_files);
  const int descriptor = dup(0);
  EXPECT_EQ(ReadProcessFigures()->open_files, process->open_files + 1);
  close(descriptor);
  EXPECT_THAT(RenderMetrics({}, process, {}),
              HasSubstr("# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total "));
}

TEST(Metrics, CountsRequestsByRouteAndStatus) {
  HttpMetrics http;
  http.Count("GET", "/healthz", 200, 0.002);
  http.Count("GET", "/healthz", 200, 0.02);
  http.Count("other", "other", 404, 0.0001);
  const std::string text = RenderMetrics({}, std::nullopt, http.Collect());
  EXPECT_THAT(text, HasSubstr("freshet_http_requests_total{code=\"200\",method=\"GET\","
                              "path=\"/healthz\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("code=\"404\",method=\"other\",path=\"other\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("freshet_http_request_duration_seconds_bucket{path=\"/healthz\","
                              "le=\"0.0025\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("freshet_http_request_duration_seconds_count{path=\"/healthz\"} 2\n"));
}

}  // namespace
}  // namespace freshet::http
