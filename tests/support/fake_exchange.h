// A request and its answer without sockets, for tests of endpoints.
//
//   FakeExchange exchange("PUT /v1/models/a?precision=bf16", body);
//   const FakeAnswer answer = Serve(router, exchange);
//   EXPECT_EQ(answer.status, 201);
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "net/http_exchange.h"
#include "net/http_message.h"

namespace blindai::tests {

struct FakeAnswer {
  int status = 0;  // 0 = no answer was given
  net::HeaderList headers;
  std::string body;
};

class FakeExchange final : public net::HttpExchange {
 public:
  // `request` is the first line without the version; further header lines may follow, each after a "\r\n".
  explicit FakeExchange(const std::string& request, base::Bytes body = {}) : body_(std::move(body)) {
    const std::size_t line = std::min(request.find("\r\n"), request.size());
    std::string head =
        request.substr(0, line) + " HTTP/1.1\r\nHost: localhost" + request.substr(line) + "\r\n";
    if (!body_.empty()) head += "Content-Length: " + std::to_string(body_.size()) + "\r\n";
    head += "\r\n";
    base::Result<net::RequestHead> parsed = net::ParseRequestHead(base::AsBytes(head));
    BLINDAI_CHECK(parsed.ok());
    head_ = std::move(parsed).value();
  }

  const net::RequestHead& head() const override { return head_; }
  const net::ConnectionFacts& connection() const override { return facts_; }
  net::ConnectionFacts& facts() { return facts_; }

  net::Task<base::Result<std::size_t>> ReadBody(std::span<std::uint8_t> into) override {
    const std::size_t size = std::min(into.size(), body_.size() - read_);
    std::copy_n(body_.begin() + static_cast<std::ptrdiff_t>(read_), size, into.begin());
    read_ += size;
    co_return size;
  }
  net::Task<base::Status> Respond(net::HttpResponse& response) override {
    answer_.status = response.status;
    answer_.headers = response.headers;
    answer_.body = std::string(base::AsText(response.body));
    for (const net::BodyPart& part : response.parts) answer_.body += base::AsText(part.bytes);
    co_return base::Ok();
  }
  net::Task<base::Status> StartResponse(int status, net::HeaderList& headers) override {
    answer_.status = status;
    answer_.headers = headers;
    co_return base::Ok();
  }
  net::Task<base::Status> Write(base::ByteView bytes) override {
    answer_.body += base::AsText(bytes);
    co_return base::Ok();
  }
  net::Task<base::Status> Finish() override { co_return base::Ok(); }
  bool response_started() const override { return answer_.status != 0; }
  void OnDisconnect(std::function<void()> callback) override {
    on_disconnect_.push_back(std::move(callback));
  }
  bool disconnected() const override { return disconnected_; }

  const FakeAnswer& answer() const { return answer_; }

 private:
  net::RequestHead head_;
  net::ConnectionFacts facts_;
  base::Bytes body_;
  std::size_t read_ = 0;
  FakeAnswer answer_;
  bool disconnected_ = false;
  std::vector<std::function<void()>> on_disconnect_;
};

// Runs a handler to its end, also where it waits for callbacks from other threads.
template <typename Handler>
FakeAnswer Serve(Handler& handler, FakeExchange& exchange) {
  boost::asio::io_context context;
  auto guard = boost::asio::make_work_guard(context);
  auto work = handler.Handle(exchange);
  const auto ended = [&guard](std::exception_ptr error) {
    guard.reset();
    if (error) std::rethrow_exception(error);
  };
  boost::asio::co_spawn(context, std::move(work), ended);
  context.run();
  return exchange.answer();
}

}  // namespace blindai::tests
