#include "protocols/endpoints/admin.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "net/http_message.h"

namespace blindai::endpoints {

std::string MetricsText(const std::vector<Metric>& metrics) {
  std::string text;
  std::string_view described;
  for (const Metric& metric : metrics) {
    if (metric.name != described) {
      text += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", metric.name, metric.help,
                          metric.counter ? "counter" : "gauge");
    }
    described = metric.name;
    const std::string labels = metric.labels.empty() ? "" : "{" + metric.labels + "}";
    text += fmt::format("{}{} {}\n", metric.name, labels, metric.read());
  }
  return text;
}

void RegisterAdmin(Router& router, const std::atomic<bool>& ready, std::vector<Metric> metrics) {
  router.Add("GET", "/livez", [](net::HttpExchange& exchange, const PathArguments&) -> net::Task<void> {
    net::HttpResponse response = net::TextResponse(200, "live\n");
    co_await exchange.Respond(response);
  });
  router.Add("GET", "/readyz",
             [&ready](net::HttpExchange& exchange, const PathArguments&) -> net::Task<void> {
               net::HttpResponse response =
                   ready ? net::TextResponse(200, "ready\n") : net::TextResponse(503, "not ready\n");
               co_await exchange.Respond(response);
             });
  router.Add(
      "GET", "/metrics",
      [metrics = std::move(metrics)](net::HttpExchange& exchange, const PathArguments&) -> net::Task<void> {
        net::HttpResponse response =
            net::TextResponse(200, MetricsText(metrics), "text/plain; version=0.0.4; charset=utf-8");
        co_await exchange.Respond(response);
      });
}

}  // namespace blindai::endpoints
