// An HTTP server on this machine that answers as a directory does, for tests of those who ask one.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "net/http_server.h"

namespace blindai::tests {

// Answers what the test says, in order and the last one for ever, and keeps what it was asked.
class FakeDirectory {
 public:
  struct Answer {
    int status = 200;
    std::string body;
  };
  struct Asked {
    std::string target;
    std::string authorization;
    std::string body;
  };

  explicit FakeDirectory(std::deque<Answer> answers) : answers_(std::move(answers)) {
    net::HttpServerOptions options;
    options.pool = std::make_shared<net::IoPool>(1);
    auto listening =
        net::HttpServer::Listen(options, [this](net::HttpExchange& exchange) { return Handle(exchange); });
    BLINDAI_CHECK(listening.ok());
    server_ = *std::move(listening);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }

  std::size_t asked() {
    const std::lock_guard lock(mutex_);
    return asked_.size();
  }
  // Waits for the request of this number, from 0.
  Asked TakeRequest(std::size_t number) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return asked_.size() > number; });
    return asked_[number];
  }

 private:
  net::Task<void> Handle(net::HttpExchange& exchange) {
    std::string body;
    std::vector<std::uint8_t> piece(4096);
    for (;;) {
      const std::span<std::uint8_t> into(piece);
      const auto got = co_await exchange.ReadBody(into);
      if (!got.ok() || *got == 0) break;
      body.append(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*got));
    }
    const std::optional<std::string_view> field = exchange.head().headers.Find("Authorization");
    Answer answer;
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back({exchange.head().raw_target, std::string(field.value_or("")), body});
      answer = answers_.front();
      if (answers_.size() > 1) answers_.pop_front();
    }
    arrived_.notify_all();
    net::HttpResponse response = net::TextResponse(answer.status, answer.body);
    co_await exchange.Respond(response);
  }

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Answer> answers_;
  std::vector<Asked> asked_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace blindai::tests
