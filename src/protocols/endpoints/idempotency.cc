#include "protocols/endpoints/idempotency.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "base/secret.h"
#include "protocols/endpoints/answer.h"

namespace blindai::endpoints {
namespace {

using base::Bytes;
using base::ByteView;
using base::Result;
using base::SecretBytes;
using service::KeptAnswers;

constexpr std::size_t kPieceBytes = std::size_t{64} << 10;
constexpr int kUnprocessable = 422;

bool IsCovered(const net::RequestHead& head) {
  if (head.method != "POST" && head.method != "PUT" && head.method != "DELETE") return false;
  constexpr std::array<std::string_view, 3> kPaths = {"/v1/models/", "/v1/audio/", "/v2/"};
  return std::ranges::any_of(kPaths, [&](std::string_view path) { return head.path.starts_with(path); });
}

// The draft's structured string has quotes, which most clients leave out.
std::string_view Unquoted(std::string_view key) {
  const bool quoted = key.size() >= 2 && key.front() == '"' && key.back() == '"';
  return quoted ? key.substr(1, key.size() - 2) : key;
}

void TakeHead(const net::RequestHead& head, KeptAnswers::Turn& turn) {
  base::ByteWriter writer;
  const auto text = [&writer](std::string_view value) { writer.U64(value.size()).Append(value); };
  text(head.method);
  text(head.raw_target);
  for (const char* name :
       {"Content-Type", "Content-Encoding", "Inference-Header-Content-Length", "Blindai-Job-Token"}) {
    text(head.headers.Find(name).value_or(""));
  }
  turn.TakeRequest(writer.view());
}

// ---- Answers as bytes

SecretBytes Encode(const net::HttpResponse& response) {
  base::ByteWriter writer;
  writer.U16(static_cast<std::uint16_t>(response.status));
  writer.U16(static_cast<std::uint16_t>(response.headers.fields().size()));
  for (const auto& [name, value] : response.headers.fields()) {
    writer.U32(static_cast<std::uint32_t>(name.size())).Append(name);
    writer.U32(static_cast<std::uint32_t>(value.size())).Append(value);
  }
  writer.Append(response.body);
  for (const net::BodyPart& part : response.parts) writer.Append(part.bytes);
  return SecretBytes(std::move(writer).Take());
}

// The answer borrows its body, which its last part keeps.
Result<net::HttpResponse> Decode(SecretBytes kept) {
  const auto owner = std::make_shared<const SecretBytes>(std::move(kept));
  base::ByteReader reader(owner->ExposeSecret());
  net::HttpResponse response;
  BLINDAI_TRY(response.status, reader.U16("status"));
  BLINDAI_TRY(const std::uint16_t fields, reader.U16("fields"));
  for (std::uint16_t i = 0; i < fields; ++i) {
    BLINDAI_TRY(const std::uint32_t name_size, reader.U32("size of a name"));
    BLINDAI_TRY(const ByteView name, reader.Take("name", name_size));
    BLINDAI_TRY(const std::uint32_t value_size, reader.U32("size of a value"));
    BLINDAI_TRY(const ByteView value, reader.Take("value", value_size));
    response.headers.Add(std::string(base::AsText(name)), std::string(base::AsText(value)));
  }
  response.headers.Add(kIdempotencyReplayedHeader, "true");
  response.parts.push_back({reader.rest(), owner});
  return response;
}

// ---- The exchange that a handler sees

// Takes the request as it is read, and the answer as it is given.
class WatchedExchange final : public net::HttpExchange {
 public:
  WatchedExchange(net::HttpExchange& real, KeptAnswers::Turn& turn) : real_(real), turn_(turn) {}

  const net::RequestHead& head() const override { return real_.head(); }
  const net::ConnectionFacts& connection() const override { return real_.connection(); }

  net::Task<Result<std::size_t>> ReadBody(std::span<std::uint8_t> into) override {
    const Result<std::size_t> read = co_await real_.ReadBody(into);
    if (read.ok()) {
      turn_.TakeRequest(into.first(*read));
      read_ += *read;
      ended_ = ended_ || (*read == 0 && !into.empty());
    }
    co_return read;
  }

  net::Task<base::Status> Respond(net::HttpResponse& response) override {
    const bool whole = ended_ || read_ == head().content_length.value_or(head().chunked ? read_ + 1 : 0);
    if (whole && response.status >= 200 && response.status < 300) {
      const SecretBytes answer = Encode(response);
      turn_.Keep(answer.ExposeSecret());
    }
    const base::Status sent = co_await real_.Respond(response);
    co_return sent;
  }
  net::Task<base::Status> StartResponse(int status, net::HeaderList& headers) override {
    return real_.StartResponse(status, headers);
  }
  net::Task<base::Status> Write(ByteView bytes) override { return real_.Write(bytes); }
  net::Task<base::Status> Finish() override { return real_.Finish(); }
  bool response_started() const override { return real_.response_started(); }
  void OnDisconnect(std::function<void()> callback) override { real_.OnDisconnect(std::move(callback)); }
  bool disconnected() const override { return real_.disconnected(); }

 private:
  net::HttpExchange& real_;
  KeptAnswers::Turn& turn_;
  std::uint64_t read_ = 0;
  bool ended_ = false;
};

class Idempotency {
 public:
  Idempotency(KeptAnswers& kept, IdentifyCaller identify, net::HttpHandler handler)
      : kept_(kept), identify_(std::move(identify)), handler_(std::move(handler)) {}

  net::Task<void> Handle(net::HttpExchange& exchange) const {
    const net::RequestHead& head = exchange.head();
    const auto key = head.headers.Find(kIdempotencyKeyHeader);
    const Result<service::Caller> caller = identify_(head);
    // Who is not known is told so by the handler, in its own words.
    if (!key || !IsCovered(head) || !caller.ok()) {
      co_await handler_(exchange);
      co_return;
    }
    const auto turn = kept_.Begin(*caller, Unquoted(*key));
    if (!turn.ok()) {
      net::HeaderList later;
      if (turn.error().kind == base::ErrorKind::kConflict) later.Add("Retry-After", "1");
      const int status = net::StatusOf(turn.error().kind);
      co_await AnswerErrorWith(exchange, status, turn.error(), later);
      co_return;
    }
    TakeHead(head, **turn);
    if ((*turn)->has_answer()) {
      co_await Repeat(exchange, **turn);
    } else {
      WatchedExchange watched(exchange, **turn);
      co_await handler_(watched);
    }
  }

 private:
  static net::Task<void> Repeat(net::HttpExchange& exchange, KeptAnswers::Turn& turn) {
    SecretBytes piece(kPieceBytes);
    while (true) {
      const std::span<std::uint8_t> into = piece.ExposeSecretForWriting();
      const Result<std::size_t> read = co_await exchange.ReadBody(into);
      if (!read.ok()) {
        co_await AnswerError(exchange, read.error());
        co_return;
      }
      if (*read == 0) break;
      turn.TakeRequest(into.first(*read));
    }
    Result<SecretBytes> kept = turn.Answer();
    if (!kept.ok()) {
      const net::HeaderList none;
      co_await AnswerErrorWith(exchange, kUnprocessable, kept.error(), none);
      co_return;
    }
    Result<net::HttpResponse> response = Decode(*std::move(kept));
    if (!response.ok()) {
      co_await AnswerError(exchange, response.error());
      co_return;
    }
    co_await exchange.Respond(*response);
  }

  KeptAnswers& kept_;
  const IdentifyCaller identify_;
  const net::HttpHandler handler_;
};

}  // namespace

net::HttpHandler WithIdempotency(KeptAnswers& kept, IdentifyCaller identify, net::HttpHandler handler) {
  const auto idempotency = std::make_shared<const Idempotency>(kept, std::move(identify), std::move(handler));
  return [idempotency](net::HttpExchange& exchange) { return idempotency->Handle(exchange); };
}

}  // namespace blindai::endpoints
