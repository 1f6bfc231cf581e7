#include "gateway/grpc_door.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/ascii.h"
#include "encoding/json.h"
#include "gateway/forward.h"
#include "gateway/http2_session.h"

namespace blindai::gateway {
namespace {

namespace asio = boost::asio;
using base::ByteView;
using base::Error;
using base::ErrorKind;
using base::LowerCase;
using base::MakeError;
using base::Result;
using base::Status;
using net::HeaderList;

// The numbers of gRPC's statuses that the gateway gives (https://grpc.github.io/grpc/core/md_doc_statuscodes.html).
enum class GrpcStatus {
  kPermissionDenied = 7,
  kUnimplemented = 12,
  kUnavailable = 14,
  kUnauthenticated = 16
};

constexpr std::string_view kTunnelPath = "/v2/grpc";
constexpr std::string_view kTunnelProtocol = "blindai-grpc";

// The head of a call as the same request would have it in HTTP/1.1.
net::RequestHead HeadOf(const HeaderList& fields) {
  net::RequestHead head;
  for (const auto& [name, value] : fields.fields()) {
    if (name == ":method") {
      head.method = value;
    } else if (name == ":path") {
      head.raw_target = head.path = value;
    } else if (name == ":authority") {
      head.headers.Add("Host", value);
    } else if (!name.starts_with(':')) {
      head.headers.Add(name, value);
    }
  }
  return head;
}

// The fields of a call for the server.
HeaderList CallFields(const net::RequestHead& head, const client::ConnectOptions& server) {
  HeaderList headers = {
      {":method", head.method}, {":scheme", "http"}, {":path", head.raw_target}, {":authority", "blindai"}};
  HeaderList passed_on = FieldsToServer(head);
  AddKey(passed_on, server);
  for (const auto& [name, value] : passed_on.fields()) headers.Add(LowerCase(name), value);
  headers.Add("te", "trailers");
  return headers;
}

GrpcStatus StatusOf(const Error& error) {
  if (error.kind == ErrorKind::kUnauthorized) return GrpcStatus::kUnauthenticated;
  if (error.kind == ErrorKind::kDenied) return GrpcStatus::kPermissionDenied;
  if (error.kind == ErrorKind::kUnsupported) return GrpcStatus::kUnimplemented;
  return GrpcStatus::kUnavailable;
}

// A server's answer instead of a tunnel.
Error RefusedTunnel(const net::HttpResponse& response) {
  const auto body = encoding::ParseJsonObject(base::AsText(response.body));
  const auto text = [&body](const char* name) {
    const auto* value = body.ok() ? body->if_contains(name) : nullptr;
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
  };
  ErrorKind kind = ErrorKind::kUnavailable;
  if (response.status == 401) kind = ErrorKind::kUnauthorized;
  if (response.status == 403) kind = ErrorKind::kDenied;
  if (response.status == 404) kind = ErrorKind::kUnsupported;
  const std::string code = text("code");
  return MakeError(kind, code.empty() ? "server-refused" : code,
                   "the server opens no tunnel for gRPC: " + text("error"));
}

Error ConnectionBroke() {
  return MakeError(
      ErrorKind::kUnavailable, "server-connection-lost",
      "the connection to the server broke before the call's end; whether it did the work is not known");
}

HeaderList StatusFields(const Error& error) {
  return {{"grpc-status", std::to_string(static_cast<int>(StatusOf(error)))},
          {"grpc-message", GrpcMessage(error.message + " (" + error.code + ")")}};
}

}  // namespace

HeaderList StatusAnswer(const Error& error) {
  HeaderList headers = {{":status", "200"}, {"content-type", "application/grpc"}};
  const HeaderList status = StatusFields(error);
  for (const auto& [name, value] : status.fields()) headers.Add(name, value);
  return headers;
}

std::string GrpcMessage(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte <= 0x7e && c != '%') {
      encoded += c;
    } else {
      encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return encoded;
}

Error WhyNotWithFindings(const Standing& standing) {
  Error error = WhyNot(standing);
  if (!standing.verdict || error.code != "server-not-trusted") return error;
  for (const verifier::Finding& finding : standing.verdict->findings) {
    if (finding.status == verifier::CheckStatus::kFailed)
      error.message += "; " + finding.check + ": " + finding.seen + " [" + finding.code + "]";
  }
  return error;
}

// One call, on its way between the two sides.
struct GrpcDoor::Call {
  Http2Stream here = 0;
  std::weak_ptr<Tunnel> tunnel;
  std::optional<Http2Stream> there;  // its stream of the tunnel, while that is open
  net::RequestHead head;
  // What came before there was a tunnel.
  std::vector<base::Bytes> early;
  bool early_end = false;
  bool answered = false;
};
// What one program's connection does. The server's side of it is a tunnel, opened with the first call and again when
// the evidence of the last one is old, or it broke.
class GrpcDoor::Connection final : public Http2Session::Listener,
                                   public std::enable_shared_from_this<Connection> {
 public:
  Connection(GrpcDoor& door, std::unique_ptr<net::ByteStream> bytes)
      : door_(door), session_(Http2Session::Side::kServer, std::move(bytes), *this) {}

  net::Task<void> Run();
  void GoAway() { session_.GoAway(); }
  Http2Session& session() { return session_; }
  GrpcDoor& door() { return door_; }
  void Refuse(Call& call, const Error& error);

  void OnHeaders(Http2Stream stream, HeaderList headers, bool is_last) override;
  void OnData(Http2Stream stream, ByteView bytes) override;
  void OnEnd(Http2Stream stream) override;
  void OnSent(Http2Stream stream, std::size_t count) override;
  void OnClosed(Http2Stream stream, std::uint32_t error) override;

 private:
  static net::Task<void> OpenTunnel(std::shared_ptr<Connection> self);
  net::Task<Status> TryOpenTunnel();

  GrpcDoor& door_;
  Http2Session session_;
  asio::any_io_executor executor_;
  std::map<Http2Stream, std::shared_ptr<Call>> calls_;
  std::vector<std::shared_ptr<Call>> waiting_;  // for the tunnel that is being opened
  std::weak_ptr<Tunnel> tunnel_;                // for the next call; lives as long as its connection
  bool opening_ = false;
  bool over_ = false;
};

// One verified connection that carries calls.
class GrpcDoor::Tunnel final : public Http2Session::Listener, public std::enable_shared_from_this<Tunnel> {
 public:
  Tunnel(std::shared_ptr<Connection> connection, Upstream::Lease lease,
         std::unique_ptr<net::ByteStream> bytes)
      : connection_(std::move(connection)),
        lease_(std::move(lease)),
        session_(Http2Session::Side::kClient, std::move(bytes), *this) {}

  static net::Task<void> Run(std::shared_ptr<Tunnel> self) { co_await self->session_.Run(); }

  Http2Session& session() { return session_; }
  // Whether another call may begin on the evidence that it stands on.
  bool is_young() const { return connection_->door().upstream_.IsYoung(lease_); }
  // False when it takes no more calls.
  bool Begin(const std::shared_ptr<Call>& call);

  void OnHeaders(Http2Stream stream, HeaderList headers, bool is_last) override;
  void OnData(Http2Stream stream, ByteView bytes) override;
  void OnEnd(Http2Stream stream) override;
  void OnSent(Http2Stream stream, std::size_t count) override;
  void OnClosed(Http2Stream stream, std::uint32_t error) override;

 private:
  const std::shared_ptr<Connection> connection_;
  Upstream::Lease lease_;  // outlives the bytes of the session
  Http2Session session_;
  std::map<Http2Stream, std::shared_ptr<Call>> calls_;
  std::map<Http2Stream, HeaderList> trailers_;
};

// ---- The program's side ----

net::Task<void> GrpcDoor::Connection::Run() {
  executor_ = co_await asio::this_coro::executor;
  door_.connections_.push_back(this);
  if (door_.stopping_) session_.GoAway();
  co_await session_.Run();
  std::erase(door_.connections_, this);
  over_ = true;
  if (const auto tunnel = tunnel_.lock()) tunnel->session().GoAway();
}

void GrpcDoor::Connection::OnHeaders(Http2Stream stream, HeaderList headers, bool) {
  if (calls_.contains(stream)) return;  // trailers of a request mean nothing to gRPC
  const net::RequestHead head = HeadOf(headers);
  const std::shared_ptr<Call> call = std::make_shared<Call>();
  call->here = stream;
  calls_[stream] = call;
  const Status allowed = CheckAccess(head, Door::kAnythingElse, door_.rules_);
  if (!allowed.ok()) return Refuse(*call, allowed.error());
  const Standing& standing = door_.upstream_.standing();
  if (!standing.usable() && standing.state != State::kConnecting)
    return Refuse(*call, WhyNotWithFindings(standing));
  call->head = head;
  if (const auto tunnel = tunnel_.lock(); tunnel && tunnel->is_young() && tunnel->Begin(call)) return;
  waiting_.push_back(call);
  if (!std::exchange(opening_, true))
    asio::co_spawn(executor_, OpenTunnel(shared_from_this()), asio::detached);
}

net::Task<void> GrpcDoor::Connection::OpenTunnel(std::shared_ptr<Connection> self) {
  const Status opened = co_await self->TryOpenTunnel();
  self->opening_ = false;
  for (const std::shared_ptr<Call>& call : std::exchange(self->waiting_, {})) {
    if (!self->calls_.contains(call->here)) continue;  // its client has left
    const auto tunnel = self->tunnel_.lock();
    if (opened.ok() && tunnel && tunnel->Begin(call)) continue;
    self->Refuse(*call, opened.ok() ? ConnectionBroke() : opened.error());
  }
}

net::Task<Status> GrpcDoor::Connection::TryOpenTunnel() {
  Upstream& upstream = door_.upstream_;
  Result<Upstream::Lease> lease = co_await upstream.Take(IdleIsFine::kYes);
  if (!lease.ok()) {
    if (upstream.standing().usable()) co_return lease.error();
    co_return WhyNotWithFindings(upstream.standing());
  }
  net::HttpRequest request;
  request.target = kTunnelPath;
  request.headers = {{"Connection", "Upgrade"}, {"Upgrade", std::string(kTunnelProtocol)}};
  AddKey(request.headers, upstream.server());
  request.timeout = upstream.server().connect_timeout;
  auto outcome = co_await lease->http->Upgrade(request);
  if (!outcome.ok()) co_return ConnectionBroke();
  if (outcome->stream == nullptr) {
    upstream.Give(std::move(*lease));
    co_return RefusedTunnel(outcome->response);
  }
  if (over_) co_return ConnectionBroke();
  if (const auto old = tunnel_.lock()) old->session().GoAway();
  const auto tunnel =
      std::make_shared<Tunnel>(shared_from_this(), std::move(*lease), std::move(outcome->stream));
  tunnel_ = tunnel;
  asio::co_spawn(executor_, Tunnel::Run(tunnel), asio::detached);
  co_return base::Ok();
}

void GrpcDoor::Connection::Refuse(Call& call, const Error& error) {
  for (const base::Bytes& bytes : std::exchange(call.early, {})) session_.Taken(call.here, bytes.size());
  if (call.answered) return session_.End(call.here, StatusFields(error));
  call.answered = true;
  HeaderList headers = StatusAnswer(error);
  headers.Add(LowerCase(kVerdictHeader), std::string(StateName(door_.upstream_.standing().state)));
  session_.Answer(call.here, headers, true);
}

void GrpcDoor::Connection::OnData(Http2Stream stream, ByteView bytes) {
  const auto found = calls_.find(stream);
  if (found == calls_.end()) return session_.Taken(stream, bytes.size());
  Call& call = *found->second;
  if (const auto tunnel = call.tunnel.lock(); tunnel && call.there) {
    tunnel->session().Send(*call.there, bytes);
  } else if (call.answered) {
    session_.Taken(stream, bytes.size());
  } else {
    call.early.push_back(base::CopyBytes(bytes));
  }
}

void GrpcDoor::Connection::OnEnd(Http2Stream stream) {
  const auto found = calls_.find(stream);
  if (found == calls_.end()) return;
  Call& call = *found->second;
  call.early_end = true;
  if (const auto tunnel = call.tunnel.lock(); tunnel && call.there)
    tunnel->session().End(*call.there, HeaderList());
}

void GrpcDoor::Connection::OnSent(Http2Stream stream, std::size_t count) {
  const auto found = calls_.find(stream);
  if (found == calls_.end()) return;
  const auto tunnel = found->second->tunnel.lock();
  if (tunnel && found->second->there) tunnel->session().Taken(*found->second->there, count);
}

void GrpcDoor::Connection::OnClosed(Http2Stream stream, std::uint32_t) {
  const auto found = calls_.find(stream);
  if (found == calls_.end()) return;
  const std::shared_ptr<Call> call = found->second;
  calls_.erase(found);
  // Whatever it still does there is for nobody.
  const auto tunnel = call->tunnel.lock();
  if (tunnel && call->there) tunnel->session().Reset(*call->there, kHttp2Cancel);
}

// ---- The server's side ----

bool GrpcDoor::Tunnel::Begin(const std::shared_ptr<Call>& call) {
  call->there = session_.Request(CallFields(call->head, connection_->door().upstream_.server()));
  if (!call->there) return false;
  call->tunnel = weak_from_this();
  calls_[*call->there] = call;
  for (const base::Bytes& bytes : std::exchange(call->early, {})) session_.Send(*call->there, bytes);
  if (call->early_end) session_.End(*call->there, HeaderList());
  return true;
}

void GrpcDoor::Tunnel::OnHeaders(Http2Stream stream, HeaderList headers, bool is_last) {
  const auto found = calls_.find(stream);
  if (found == calls_.end()) return;
  if (found->second->answered) {
    trailers_[stream] = std::move(headers);
    return;
  }
  found->second->answered = true;
  headers.Set(LowerCase(kVerdictHeader),
              std::string(StateName(connection_->door().upstream_.standing().state)));
  connection_->session().Answer(found->second->here, headers, is_last);
}

void GrpcDoor::Tunnel::OnData(Http2Stream stream, ByteView bytes) {
  const auto found = calls_.find(stream);
  if (found == calls_.end()) return session_.Taken(stream, bytes.size());
  connection_->session().Send(found->second->here, bytes);
}

void GrpcDoor::Tunnel::OnEnd(Http2Stream stream) {
  const auto found = calls_.find(stream);
  if (found == calls_.end()) return;
  connection_->session().End(found->second->here, std::exchange(trailers_[stream], HeaderList()));
}

void GrpcDoor::Tunnel::OnSent(Http2Stream stream, std::size_t count) {
  const auto found = calls_.find(stream);
  if (found != calls_.end()) connection_->session().Taken(found->second->here, count);
}

void GrpcDoor::Tunnel::OnClosed(Http2Stream stream, std::uint32_t error) {
  const auto found = calls_.find(stream);
  if (found == calls_.end()) return;
  const std::shared_ptr<Call> call = found->second;
  calls_.erase(found);
  trailers_.erase(stream);
  call->there.reset();
  if (error == kHttp2ConnectionLost) {
    connection_->Refuse(*call, ConnectionBroke());
  } else if (error != 0) {
    connection_->session().Reset(call->here, error);
  }
}

// ---- The door ----

net::Task<void> GrpcDoor::Handle(net::HttpExchange& exchange) {
  if (!exchange.head().is_http2_preface) {
    const Error error =
        MakeError(ErrorKind::kInvalid, "gateway-grpc",
                  "this port of the gateway takes gRPC (HTTP/2 without TLS); HTTP has its own");
    net::HttpResponse response = net::ErrorResponse(error);
    const Status sent = co_await exchange.Respond(response);
    (void)sent.ok();
    co_return;
  }
  HeaderList none;
  auto bytes = co_await exchange.SwitchProtocols(none);
  if (!bytes.ok()) co_return;
  const auto connection = std::make_shared<Connection>(*this, *std::move(bytes));
  co_await connection->Run();
}

void GrpcDoor::BeginStop() {
  stopping_ = true;
  for (Connection* connection : connections_) connection->GoAway();
}

}  // namespace blindai::gateway
