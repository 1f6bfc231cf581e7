// One accepted connection of an HttpServer: greets (TLS), reads heads, runs the handler, keeps alive, closes.
// It is the HttpExchange of the request that runs. Everything happens on its strand but what says otherwise.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "net/chunked_decoder.h"
#include "net/http_server.h"
#include "net/input_buffer.h"
#include "net/stream.h"

namespace blindai::net {

class ServerConnection;

// What the connections of one server share. They keep it alive; it does not keep them.
struct ServerShared {
  ServerShared(HttpServerOptions server_options, HttpHandler server_handler)
      : options(std::move(server_options)), handler(std::move(server_handler)) {}

  const HttpServerOptions options;  // without the pool, which a connection must not be the last to hold
  const HttpHandler handler;

  std::atomic<std::uint64_t> connections_total{0};
  std::atomic<std::uint64_t> connections_refused{0};
  std::atomic<std::uint64_t> tls_handshakes_failed{0};
  std::atomic<std::uint64_t> requests_total{0};
  std::atomic<std::uint64_t> requests_running{0};
  std::atomic<std::uint64_t> requests_refused{0};
  std::atomic<std::uint64_t> bytes_received{0};
  std::atomic<std::uint64_t> bytes_sent{0};

  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;  // under the mutex, as what follows
  bool accepting = false;
  std::size_t refusing = 0;  // of the open ones, those being answered 503
  std::map<ServerConnection*, std::weak_ptr<ServerConnection>> open;
};

class ServerConnection final : public HttpExchange, public std::enable_shared_from_this<ServerConnection> {
 public:
  // `refuse`: one connection too many, to be told so and closed.
  ServerConnection(std::shared_ptr<ServerShared> shared, boost::asio::ip::tcp::socket socket, bool refuse);
  ~ServerConnection() override;

  static Task<void> Run(std::shared_ptr<ServerConnection> self);
  // From any thread: no more requests after the one that runs; end it now.
  void BeginStop();
  void Cut();

  const RequestHead& head() const override { return head_; }
  const ConnectionFacts& connection() const override { return facts_; }
  Task<base::Result<std::size_t>> ReadBody(std::span<std::uint8_t> into) override;
  Task<base::Status> Respond(HttpResponse& response) override;
  Task<base::Status> StartResponse(int status, HeaderList& headers) override;
  Task<base::Status> Write(base::ByteView bytes) override;
  Task<base::Status> Finish() override;
  bool response_started() const override { return answer_ != Answer::kNone; }
  void OnDisconnect(std::function<void()> callback) override;
  bool disconnected() const override { return gone_; }
  Task<base::Result<std::unique_ptr<WebSocket>>> AcceptWebSocket(const WebSocketOptions& options) override;
  Task<base::Result<std::unique_ptr<ByteStream>>> SwitchProtocols(HeaderList& headers) override;

 private:
  enum class Phase { kIdle, kBusy };
  enum class Answer { kNone, kStreaming, kComplete };

  Task<bool> Greet();
  Task<bool> ServeOne();
  Task<void> ServeRawBytes();
  Task<base::Result<bool>> ReadHead();
  void LeaveHttp();
  Task<void> Refuse(const base::Error& error);
  Task<void> RunHandler();
  Task<void> DrainBody();
  Task<base::Result<std::size_t>> ReadSized(std::span<std::uint8_t> into);
  Task<base::Result<std::size_t>> ReadChunked(std::span<std::uint8_t> into);
  Task<base::Status> Send(std::span<const base::ByteView> parts);
  std::string HeadOf(int status, const HeaderList& headers, std::optional<std::uint64_t> content_length);
  bool MustCloseAfterAnswer() const;
  base::Error BodyError(const base::Error& error);

  void ArmWatch();
  void StopWatch();
  void OnWatch(std::uint64_t generation, bool ready);
  void Gone();

  const std::shared_ptr<ServerShared> shared_;
  const bool refuse_;
  ConnectionFacts facts_;
  Stream stream_;
  Phase phase_ = Phase::kIdle;
  bool stopping_ = false;
  bool first_request_ = true;

  InputBuffer input_;

  RequestHead head_;
  std::uint64_t body_left_ = 0;            // of a body with Content-Length
  std::optional<ChunkedDecoder> chunked_;  // while a chunked body is not read to its end
  bool continue_wanted_ = false;
  bool body_broken_ = false;

  Answer answer_ = Answer::kNone;
  bool answer_chunked_ = false;
  bool keep_alive_ = true;
  bool linger_ = false;

  bool gone_ = false;
  bool reading_ = false;
  bool watching_ = false;
  std::uint64_t watch_generation_ = 0;
  std::vector<std::function<void()>> on_disconnect_;
};

}  // namespace blindai::net
