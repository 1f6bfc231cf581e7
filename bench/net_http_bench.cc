// rooms: base encoding crypto net
// What a request costs on its way: small requests, and large bodies in each direction, plain and through
// TLS 1.3. Client and server are in this process, one thread each, over loopback.
#include <benchmark/benchmark.h>

#include "crypto/certificate_builder.h"
#include "net/http_client.h"
#include "net/http_server.h"

namespace blindai::net {
namespace {

class Setup {
 public:
  explicit Setup(bool tls) : pool_(std::make_shared<IoPool>(1)) {
    HttpServerOptions options;
    options.pool = pool_;
    ConnectOptions to;
    if (tls) {
      const crypto::SigningKey key = crypto::SigningKey::GenerateP256();
      crypto::CertificateSpec spec;
      spec.common_name = "bench";
      spec.not_before = base::Now() - std::chrono::hours(1);
      spec.not_after = base::Now() + std::chrono::hours(1);
      options.tls = TlsServerContext::Make(key, crypto::MakeSelfSigned(spec, key).value()).value();
      to.tls = TlsClientContext::ForAttestedServer().value();
    }
    HttpHandler handler = [this](HttpExchange& exchange) { return Handle(exchange); };
    server_ = HttpServer::Listen(std::move(options), std::move(handler)).value();
    to.host = "127.0.0.1";
    to.port = server_->port();
    to_ = to;
    connection = Connect();
  }

  std::unique_ptr<BlockingHttpConnection> Connect() const {
    return BlockingHttpConnection::Connect(to_).value();
  }

  std::unique_ptr<BlockingHttpConnection> connection;

 private:
  Task<void> Handle(HttpExchange& exchange) {
    HttpResponse response;
    if (exchange.head().method == "GET") {
      const std::size_t size = std::stoul(std::string(exchange.head().Query("bytes").value_or("0")));
      if (block_.size() < size) block_.resize(size);
      response.parts.push_back({base::ByteView(block_).first(size), nullptr});
    } else {
      const base::Result<base::Bytes> body = co_await exchange.ReadWholeBody(1u << 30);
      if (!body.ok()) response.status = 400;
    }
    const base::Status sent = co_await exchange.Respond(response);
    (void)sent;
  }

  std::shared_ptr<IoPool> pool_;
  base::Bytes block_;
  ConnectOptions to_;
  std::unique_ptr<HttpServer> server_;
};

void Send(benchmark::State& state, BlockingHttpConnection& connection, HttpRequest& request) {
  const base::Result<HttpResponse> response = connection.Send(request);
  if (!response.ok() || response->status != 200) state.SkipWithError("the request failed");
}

void Upload(benchmark::State& state) {
  Setup setup(state.range(0) != 0);
  const auto size = static_cast<std::size_t>(state.range(1));
  const base::Bytes body(size, 'x');
  for (auto _ : state) {
    HttpRequest request;
    request.method = "POST";
    request.parts.push_back({body, nullptr});
    Send(state, *setup.connection, request);
  }
  state.SetBytesProcessed(state.iterations() * state.range(1));
}

void Download(benchmark::State& state) {
  Setup setup(state.range(0) != 0);
  for (auto _ : state) {
    HttpRequest request;
    request.target = "/?bytes=" + std::to_string(state.range(1));
    Send(state, *setup.connection, request);
  }
  state.SetBytesProcessed(state.iterations() * state.range(1));
}

void ConnectAndAsk(benchmark::State& state) {
  Setup setup(state.range(0) != 0);
  for (auto _ : state) {
    const auto connection = setup.Connect();
    HttpRequest request;
    Send(state, *connection, request);
  }
}

void Arguments(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"tls", "bytes"})
      ->ArgsProduct({{0, 1}, {0, 1 << 20, 17 << 20}})
      ->UseRealTime()
      ->MeasureProcessCPUTime();
}

BENCHMARK(Upload)->Apply(Arguments);
BENCHMARK(Download)->Apply(Arguments);
BENCHMARK(ConnectAndAsk)->ArgName("tls")->Arg(0)->Arg(1)->UseRealTime()->MeasureProcessCPUTime();

}  // namespace
}  // namespace blindai::net

BENCHMARK_MAIN();
