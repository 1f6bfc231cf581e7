// The client's end of one connection: connects, sends requests, reads answers. Everything happens on its
// strand.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/chunked_decoder.h"
#include "net/http_client.h"
#include "net/http_response_head.h"
#include "net/input_buffer.h"
#include "net/stream.h"

namespace blindai::net {

class ClientConnection final : public HttpConnection {
 public:
  static Task<base::Result<std::unique_ptr<ClientConnection>>> Connect(ConnectOptions options);

  const ConnectionFacts& connection() const override { return facts_; }
  Task<base::Result<HttpResponse>> Send(HttpRequest& request) override;
  Task<base::Result<std::unique_ptr<WebSocket>>> OpenWebSocket(HttpRequest& request,
                                                               const WebSocketOptions& options) override;
  Task<base::Result<UpgradeOutcome>> Upgrade(HttpRequest& request) override;
  Task<bool> StaysOpenUntil(SteadyTime time) override;
  bool reusable() const override;
  void Cancel() override;

 private:
  ClientConnection(ConnectOptions options, boost::asio::ip::tcp::socket socket);
  Task<base::Status> StartTls();

  enum class Early { kNothing, kContinue, kAnswer };
  // What is known about the request while it runs.
  struct Exchange;
  Task<base::Status> SendRequest(Exchange& exchange);
  Task<base::Status> SendSource(Exchange& exchange);
  Task<base::Status> AwaitContinue(Exchange& exchange);
  Early LookForAnswer();
  Task<base::Result<HttpResponse>> ReadResponse(Exchange& exchange);
  Task<base::Result<ResponseHead>> ReadHead();
  Task<base::Status> ReadBody(Exchange& exchange, const ResponseHead& head, HttpResponse& response);
  Task<base::Result<std::size_t>> ReadBodySome(const ResponseHead& head, std::span<std::uint8_t> into);
  std::string HostHeader() const;
  base::Result<std::string> RequestHeadOf(const HttpRequest& request) const;
  // The error that the caller sees, with cancellation and deadline said as such; ends the connection.
  base::Error Fail(base::Error error);

  const ConnectOptions options_;
  Stream stream_;
  const int handle_;  // of the stream's socket, while reusable_
  ConnectionFacts facts_;
  InputBuffer input_;
  std::optional<ChunkedDecoder> chunked_;  // of the response body that is being read
  std::uint64_t body_left_ = 0;
  bool reusable_ = true;
  bool cancelled_ = false;
};

}  // namespace blindai::net
