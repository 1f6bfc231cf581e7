// The operator's port: plain HTTP on loopback, health for orchestrators and Prometheus metrics. No request
// data, no model names, no accounts: every label is one of a fixed set of words.
//
//   GET /livez    200 while the process serves at all
//   GET /readyz   200 when requests can be answered, 503 while starting or stopping
//   GET /metrics  Prometheus text format 0.0.4
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "protocols/endpoints/router.h"

namespace blindai::endpoints {

// One number of the process, read when it is asked for.
struct Metric {
  std::string name;      // "blindai_connections_open"
  std::string help;      // one sentence
  bool counter = false;  // else a gauge
  std::function<double()> read;
  std::string labels = "";  // `reason="REJECTED"`; metrics of one name stand one after the other
};

// Metrics as the text that Prometheus reads.
std::string MetricsText(const std::vector<Metric>& metrics);

// `ready` is owned by the server's main.
void RegisterAdmin(Router& router, const std::atomic<bool>& ready, std::vector<Metric> metrics);

}  // namespace blindai::endpoints
