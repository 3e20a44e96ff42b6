#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rpc/rpc_fixture.h"

namespace freshet::rpc {
namespace {

using ::testing::HasSubstr;

class LoadCallTest : public testing::RpcTest {
 protected:
  using Stream = grpc::ClientReaderWriter<v1::LoadRequest, v1::LoadProgress>;

  static bool SendHeader(Stream& stream) {
    v1::LoadRequest message;
    message.mutable_header()->set_view("profile");
    message.mutable_header()->set_format("csv");
    message.mutable_header()->set_bad_rows_share_max(0.25);
    return stream.Write(message);
  }
  static bool SendChunk(Stream& stream, const std::string& bytes) {
    v1::LoadRequest message;
    message.set_chunk(bytes);
    return stream.Write(message);
  }
  static bool SendEnd(Stream& stream, uint64_t bytes) {
    v1::LoadRequest message;
    message.mutable_end()->set_bytes(bytes);
    return stream.Write(message) && stream.WritesDone();
  }
  // Reads to the end of the stream; the last message.
  static v1::LoadProgress ReadAll(Stream& stream) {
    v1::LoadProgress last;
    v1::LoadProgress message;
    while (stream.Read(&message)) last = message;
    return last;
  }
  void WaitUntilDropped(int times) {
    while (engine_.load.dropped < times) std::this_thread::yield();
  }
};

TEST_F(LoadCallTest, StreamsAFileAndReportsTheEnd) {
  std::string fed;
  engine_.load.feed = [&](std::string_view bytes) {
    fed += bytes;
    return Status::Ok();
  };
  engine_.load.progress.rows_written = 2;
  engine_.load.progress.bad_rows.push_back({3, "age: 'x' is no int32"});
  grpc::ClientContext context;
  auto stream = admin_->Load(&context);
  SendHeader(*stream);
  SendChunk(*stream, "user_id,age\n");
  SendChunk(*stream, "1,2\n");
  SendEnd(*stream, 16);
  const v1::LoadProgress last = ReadAll(*stream);
  const grpc::Status status = stream->Finish();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(fed, "user_id,age\n1,2\n");
  EXPECT_EQ(engine_.load_request.view, "profile");
  EXPECT_EQ(engine_.load_request.format, "csv");
  EXPECT_EQ(engine_.load_request.bad_rows_share_max, 0.25);
  EXPECT_EQ(engine_.load.finished, 1);
  EXPECT_EQ(last.phase(), v1::LoadProgress::DONE);
  EXPECT_EQ(last.rows_written(), 2u);
  ASSERT_EQ(last.bad_rows_size(), 1);
  EXPECT_EQ(last.bad_rows(0).line(), 3u);
}

TEST_F(LoadCallTest, AFailureComesAsTheLastMessageAndAsTheStatus) {
  engine_.load.finish = [](const auto& progress) {
    LoadProgress sorting;
    sorting.phase = LoadProgress::Phase::kSort;
    progress(sorting);
    return Status::FailedPrecondition("1 of 2 rows is bad");
  };
  engine_.load.progress.bad_rows.push_back({3, "age: 'x' is no int32"});
  grpc::ClientContext context;
  auto stream = admin_->Load(&context);
  SendHeader(*stream);
  SendEnd(*stream, 0);
  const v1::LoadProgress last = ReadAll(*stream);
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(last.phase(), v1::LoadProgress::FAILED);
  EXPECT_EQ(last.error(), "1 of 2 rows is bad");
  EXPECT_EQ(last.bad_rows_size(), 1);
}

TEST_F(LoadCallTest, EveryBadRowIsToldWhenAskedFor) {
  engine_.load.feed = [&](std::string_view) {
    for (uint64_t line = 2; line < 20'002; ++line)
      engine_.load_request.on_bad_row({line, "age: 'x' is not an int32", ""});
    return Status::Ok();
  };
  engine_.load.progress.bad_rows_by_cause = {{"age: not an int32", 20'000}};
  grpc::ClientContext context;
  auto stream = admin_->Load(&context);
  v1::LoadRequest header;
  header.mutable_header()->set_view("profile");
  header.mutable_header()->set_bad_rows_max(20'000);
  header.mutable_header()->set_wants_bad_rows(true);
  stream->Write(header);
  SendChunk(*stream, "x");
  SendEnd(*stream, 1);
  uint64_t expected = 2;
  size_t messages = 0;
  v1::LoadProgress message;
  v1::LoadProgress last;
  while (stream->Read(&message)) {
    messages += message.more_bad_rows_size() > 0 ? 1 : 0;
    for (const v1::BadRow& bad : message.more_bad_rows()) EXPECT_EQ(bad.line(), expected++);
    last = message;
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(expected, 20'002u);
  EXPECT_THAT(messages, ::testing::AllOf(::testing::Gt(1u), ::testing::Lt(20u)));
  EXPECT_EQ(engine_.load_request.bad_rows_max, 20'000u);
  EXPECT_EQ(last.phase(), v1::LoadProgress::DONE);
  EXPECT_EQ(last.bad_rows_by_cause().at("age: not an int32"), 20'000u);
}

TEST_F(LoadCallTest, AnUnknownViewIsRefusedAtOnce) {
  engine_.load_status = Status::NotFound("there is no feature view 'profle'");
  grpc::ClientContext context;
  auto stream = admin_->Load(&context);
  SendHeader(*stream);
  ReadAll(*stream);
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(LoadCallTest, AStreamThatStopsWithoutItsEndChangesNothing) {
  grpc::ClientContext context;
  auto stream = admin_->Load(&context);
  SendHeader(*stream);
  SendChunk(*stream, "user_id,age\n");
  stream->WritesDone();
  ReadAll(*stream);
  EXPECT_THAT(stream->Finish().error_message(), HasSubstr("before its end: nothing was changed"));
  WaitUntilDropped(1);
  EXPECT_EQ(engine_.load.finished, 0);
}

TEST_F(LoadCallTest, AnEndThatCountsOtherBytesChangesNothing) {
  grpc::ClientContext context;
  auto stream = admin_->Load(&context);
  SendHeader(*stream);
  SendChunk(*stream, "user_id,age\n");
  SendEnd(*stream, 13);
  ReadAll(*stream);
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(engine_.load.finished, 0);
}

TEST_F(LoadCallTest, ACancelledLoadIsDropped) {
  for (int round = 1; round <= 20; ++round) {
    grpc::ClientContext context;
    auto stream = admin_->Load(&context);
    SendHeader(*stream);
    SendChunk(*stream, "user_id,age\n");
    v1::LoadProgress first;
    ASSERT_TRUE(stream->Read(&first));
    context.TryCancel();
    ReadAll(*stream);
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
    WaitUntilDropped(round);
  }
  EXPECT_EQ(engine_.load.finished, 0);
}

TEST_F(LoadCallTest, NoMoreThanTheLimitAtOnce) {
  grpc::ClientContext contexts[3];
  std::unique_ptr<Stream> streams[3];
  v1::LoadProgress progress;
  for (int i = 0; i < 2; ++i) {
    streams[i] = admin_->Load(&contexts[i]);
    SendHeader(*streams[i]);
    SendChunk(*streams[i], "user_id\n");
    ASSERT_TRUE(streams[i]->Read(&progress));
  }
  streams[2] = admin_->Load(&contexts[2]);
  ReadAll(*streams[2]);
  const grpc::Status refused = streams[2]->Finish();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("2 loads are under way"));
  for (int i = 0; i < 2; ++i) {
    SendEnd(*streams[i], 8);
    ReadAll(*streams[i]);
    EXPECT_TRUE(streams[i]->Finish().ok());
  }
}

TEST_F(LoadCallTest, ShutdownCancelsALoadThatStandsStill) {
  grpc::ClientContext context;
  auto stream = admin_->Load(&context);
  SendHeader(*stream);
  SendChunk(*stream, "user_id\n");
  v1::LoadProgress progress;
  ASSERT_TRUE(stream->Read(&progress));
  server_->Shutdown(10);
  EXPECT_EQ(engine_.load.dropped, 1);
  EXPECT_EQ(engine_.load.finished, 0);
  ReadAll(*stream);
  EXPECT_FALSE(stream->Finish().ok());
}

TEST_F(LoadCallTest, AnswersOtherThanTheRangeAreRefused) {
  engine_.load.read_file = [](LoadFile& file) {
    std::string bytes(4, '\0');
    return file.ReadAt(1, 4, bytes.data());
  };
  for (const std::string answer : {"longer", ""}) {
    grpc::ClientContext context;
    auto stream = admin_->Load(&context);
    v1::LoadRequest header;
    header.mutable_header()->set_view("profile");
    header.mutable_header()->add_files()->set_bytes(10);
    ASSERT_TRUE(stream->Write(header));
    v1::LoadProgress message;
    while (stream->Read(&message) && !message.has_wanted()) continue;
    EXPECT_EQ(message.wanted().offset(), 1u);
    EXPECT_EQ(message.wanted().bytes(), 4u);
    SendChunk(*stream, answer);
    const v1::LoadProgress last = ReadAll(*stream);
    EXPECT_EQ(last.phase(), v1::LoadProgress::FAILED);
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  }
  EXPECT_EQ(engine_.load.finished, 0);
}

TEST_F(LoadCallTest, AClientThatLeavesWhileItsLoadIsSortedCancelsIt) {
  std::atomic<bool> is_sorting = false;
  engine_.load.finish = [&](const auto& progress) {
    LoadProgress sorting;
    sorting.phase = LoadProgress::Phase::kSort;
    while (engine_.load.cancelled == 0) {
      progress(sorting);
      is_sorting = true;
    }
    return Status::Cancelled("cancelled");
  };
  grpc::ClientContext context;
  auto stream = admin_->Load(&context);
  SendHeader(*stream);
  SendEnd(*stream, 0);
  while (!is_sorting) std::this_thread::yield();
  context.TryCancel();
  WaitUntilDropped(1);
  EXPECT_GE(engine_.load.cancelled, 1);
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

}  // namespace
}  // namespace freshet::rpc
