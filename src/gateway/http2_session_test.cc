// Two sessions that talk to each other over a socket pair.
#include "gateway/http2_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <future>

#include "net/io_pool.h"

namespace blindai::gateway {
namespace {

using base::ByteView;
using net::HeaderList;

const HeaderList kCall = {{":method", "POST"},
                          {":scheme", "http"},
                          {":path", "/a/b"},
                          {":authority", "x"},
                          {"authorization", "key"}};

std::string Line(const HeaderList& headers) {
  std::string line;
  for (const auto& [name, value] : headers.fields()) line += name + "=" + value + " ";
  return line;
}

// One end: writes down what comes, on the pool's thread.
class End final : public Http2Session::Listener {
 public:
  End(net::IoPool& pool, Http2Session::Side side, int socket)
      : pool_(pool),
        session_(side, net::AdoptSocket(pool.executor(), socket), *this),
        over_(ended_.get_future()) {
    pool_.Spawn([this] { return Run(); });
  }

  // On the pool's thread, waited for.
  void Do(const std::function<void(Http2Session&)>& what) {
    std::promise<void> done;
    boost::asio::post(pool_.executor(), [&] {
      what(session_);
      done.set_value();
    });
    done.get_future().wait();
  }
  // Until something with these words was heard. The loop asks the pool's thread, so it ends with the event.
  std::string Await(std::string_view words) {
    std::string heard;
    while (heard.find(words) == std::string::npos) Do([&](Http2Session&) { heard = heard_; });
    return heard;
  }
  void AwaitOver() { over_.wait(); }
  std::size_t data() {
    std::size_t count = 0;
    Do([&](Http2Session&) { count = data_; });
    return count;
  }

  std::atomic<bool> takes_at_once = true;

 private:
  net::Task<void> Run() {
    co_await session_.Run();
    ended_.set_value();
  }
  void OnHeaders(Http2Stream stream, HeaderList headers, bool is_last) override {
    heard_ += std::to_string(stream) + (is_last ? " last " : " ") + Line(headers) + "\n";
  }
  void OnData(Http2Stream stream, ByteView bytes) override {
    data_ += bytes.size();
    if (takes_at_once) session_.Taken(stream, bytes.size());
  }
  void OnEnd(Http2Stream stream) override { heard_ += std::to_string(stream) + " end\n"; }
  void OnSent(Http2Stream stream, std::size_t count) override {
    heard_ += std::to_string(stream) + " sent " + std::to_string(count) + "\n";
  }
  void OnClosed(Http2Stream stream, std::uint32_t error) override {
    heard_ += std::to_string(stream) + " closed " + std::to_string(error) + "\n";
  }

  net::IoPool& pool_;
  std::string heard_;
  std::size_t data_ = 0;
  Http2Session session_;
  std::promise<void> ended_;
  std::future<void> over_;
};

class Http2SessionTest : public ::testing::Test {
 protected:
  Http2SessionTest() {
    std::array<int, 2> ends = {-1, -1};
    BLINDAI_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == 0);
    client_.emplace(pool_, Http2Session::Side::kClient, ends[0]);
    server_.emplace(pool_, Http2Session::Side::kServer, ends[1]);
    server_socket_ = ends[1];
  }
  ~Http2SessionTest() override {
    client_->Do([](Http2Session& session) { session.GoAway(); });
    server_->Do([](Http2Session& session) { session.GoAway(); });
    client_->AwaitOver();
    server_->AwaitOver();
  }

  Http2Stream Request() {
    std::optional<Http2Stream> stream;
    client_->Do([&](Http2Session& session) { stream = session.Request(kCall); });
    BLINDAI_CHECK(stream.has_value());
    return *stream;
  }

  net::IoPool pool_{1};
  std::optional<End> client_;
  std::optional<End> server_;
  int server_socket_ = -1;
};

TEST_F(Http2SessionTest, ACallHasABeginningDataAndTrailersBothWays) {
  const Http2Stream call = Request();
  client_->Do([&](Http2Session& session) {
    session.Send(call, base::AsBytes("question"));
    session.End(call, {});
  });
  EXPECT_THAT(server_->Await("1 end"), ::testing::HasSubstr(":path=/a/b :authority=x authorization=key"));
  EXPECT_EQ(server_->data(), 8u);
  server_->Do([&](Http2Session& session) {
    session.Answer(call, {{":status", "200"}}, false);
    session.Send(call, base::AsBytes("answer"));
    session.End(call, {{"grpc-status", "0"}});
  });
  EXPECT_THAT(client_->Await("1 closed 0"),
              ::testing::HasSubstr("1 :status=200 \n1 last grpc-status=0 \n1 end\n"));
  EXPECT_EQ(client_->data(), 6u);
}

TEST_F(Http2SessionTest, AnAnswerThatIsOnlyAHeadIsLast) {
  const Http2Stream call = Request();
  server_->Await(":path");
  server_->Do([&](Http2Session& session) { session.Answer(call, {{":status", "200"}}, true); });
  EXPECT_THAT(client_->Await("1 end"), ::testing::HasSubstr("1 last :status=200"));
  client_->Do([&](Http2Session& session) { session.Reset(call, kHttp2Cancel); });
  server_->Await("1 closed 8");
}

TEST_F(Http2SessionTest, WhoDoesNotTakeSlowsTheSenderDown) {
  server_->takes_at_once = false;
  const Http2Stream call = Request();
  client_->Do([&](Http2Session& session) { session.Send(call, base::Bytes(3u << 20)); });
  // The window of one stream, and not a byte more until something was taken.
  while (server_->data() < (1u << 20)) {
  }
  EXPECT_EQ(server_->data(), 1u << 20);
  server_->takes_at_once = true;
  server_->Do([&](Http2Session& session) { session.Taken(call, 1u << 20); });
  while (server_->data() < (3u << 20)) {
  }
  client_->Do([&](Http2Session& session) { session.Reset(call, kHttp2Cancel); });
  server_->Await("1 closed 8");
}

TEST_F(Http2SessionTest, WhatWasNotSentIsSaidToBeGoneWithItsStream) {
  server_->takes_at_once = false;
  const Http2Stream call = Request();
  client_->Do([&](Http2Session& session) { session.Send(call, base::Bytes(3u << 20)); });
  while (server_->data() < (1u << 20)) {
  }
  server_->Do([&](Http2Session& session) { session.Reset(call, kHttp2Cancel); });
  EXPECT_THAT(client_->Await("1 closed 8"), ::testing::HasSubstr("1 sent 2097152\n1 closed"));
}

TEST_F(Http2SessionTest, WhenTheConnectionBreaksEveryCallIsTold) {
  Request();
  Request();
  server_->Await("3 ");
  shutdown(server_socket_, SHUT_RDWR);
  client_->AwaitOver();
  server_->AwaitOver();
  const std::string lost = std::to_string(kHttp2ConnectionLost);
  for (const auto& end : {&client_, &server_}) {
    (*end)->Await("1 closed " + lost);
    (*end)->Await("3 closed " + lost);
  }
  client_->Do([](Http2Session& session) {
    EXPECT_FALSE(session.takes_requests());
    EXPECT_EQ(session.Request(kCall), std::nullopt);
  });
}

TEST_F(Http2SessionTest, GoingAwayLetsCallsFinishAndTakesNoMore) {
  const Http2Stream call = Request();
  server_->Await(":path");
  server_->Do([](Http2Session& session) { session.GoAway(); });
  while (true) {
    bool takes = true;
    client_->Do([&](Http2Session& session) { takes = session.takes_requests(); });
    if (!takes) break;
  }
  client_->Do([&](Http2Session& session) { session.End(call, {}); });
  server_->Await("1 end");
  server_->Do([&](Http2Session& session) { session.Answer(call, {{":status", "200"}}, true); });
  client_->Await("1 closed 0");
  server_->AwaitOver();
  client_->AwaitOver();
}

TEST(Http2Session, WhatIsNotHttp2EndsTheConnection) {
  net::IoPool pool(1);
  std::array<int, 2> ends = {-1, -1};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
  constexpr std::string_view kOther = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  ASSERT_EQ(send(ends[0], kOther.data(), kOther.size(), 0), static_cast<ssize_t>(kOther.size()));
  End server(pool, Http2Session::Side::kServer, ends[1]);
  server.AwaitOver();
  close(ends[0]);
}

}  // namespace
}  // namespace blindai::gateway
