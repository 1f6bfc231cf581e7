#include "protocols/endpoints/open_inference_v2_grpc/tunnel.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <boost/asio/this_coro.hpp>
#include <memory>
#include <utility>

#include "protocols/endpoints/answer.h"

namespace blindai::endpoints {
namespace {

using base::ErrorKind;
using base::MakeError;

// The tunnels of one server.
class Tunnels {
 public:
  Tunnels(OpenInferenceGrpcServer& service, IdentifyCaller identify, std::size_t max_tunnels)
      : service_(service), identify_(std::move(identify)), max_tunnels_(max_tunnels) {}

  net::Task<void> Open(net::HttpExchange& exchange) {
    const Place place(open_);
    const base::Status allowed = Check(exchange.head(), place);
    if (!allowed.ok()) {
      co_await AnswerError(exchange, allowed.error());
      co_return;
    }
    std::array<int, 2> ends = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      const base::Error error = Full();
      co_await AnswerError(exchange, error);
      co_return;
    }
    const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
    const std::unique_ptr<net::ByteStream> inside = net::AdoptSocket(executor, ends[0]);
    service_.Adopt(ends[1]);
    net::HeaderList headers = {{"Connection", "Upgrade"}, {"Upgrade", std::string(kGrpcTunnelProtocol)}};
    auto outside = co_await exchange.SwitchProtocols(headers);
    if (outside.ok()) co_await net::Relay(**outside, *inside);
  }

 private:
  // A place among max_tunnels, for as long as it lives.
  class Place {
   public:
    explicit Place(std::atomic<std::size_t>& open) : open_(open), number_(open.fetch_add(1)) {}
    ~Place() { open_.fetch_sub(1); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    std::size_t number() const { return number_; }

   private:
    std::atomic<std::size_t>& open_;
    const std::size_t number_;
  };

  base::Status Check(const net::RequestHead& head, const Place& place) const {
    const auto caller = identify_(head);
    if (!caller.ok()) return caller.error();
    if (head.has_body() || head.version_minor == 0 || !head.headers.HasToken("Connection", "upgrade") ||
        !head.headers.HasToken("Upgrade", kGrpcTunnelProtocol)) {
      return MakeError(ErrorKind::kInvalid, "upgrade-wanted",
                       "this path carries gRPC; ask for it with 'Connection: Upgrade' and 'Upgrade: "
                       "blindai-grpc', or use `blindai gateway --grpc`");
    }
    if (place.number() >= max_tunnels_) return Full();
    return base::Ok();
  }

  base::Error Full() const {
    return MakeError(ErrorKind::kUnavailable, "tunnels-full",
                     fmt::format("all {} tunnels for gRPC are in use; try again later", max_tunnels_));
  }

  OpenInferenceGrpcServer& service_;
  const IdentifyCaller identify_;
  const std::size_t max_tunnels_;
  std::atomic<std::size_t> open_{0};
};

}  // namespace

void RegisterGrpcTunnel(Router& router, OpenInferenceGrpcServer& service, IdentifyCaller identify,
                        std::size_t max_tunnels) {
  const auto tunnels = std::make_shared<Tunnels>(service, std::move(identify), max_tunnels);
  router.Add("GET", "/v2/grpc", [tunnels](net::HttpExchange& exchange, const PathArguments&) {
    return tunnels->Open(exchange);
  });
}

}  // namespace blindai::endpoints
