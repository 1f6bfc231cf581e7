#include "server/inference_metrics.h"

#include <string>
#include <utility>

namespace blindai::server {
namespace {

using model::RunFailure;
using model::RunStats;

constexpr double kNanosecondsOfAMicrosecond = 1000;

}  // namespace

std::vector<endpoints::Metric> InferenceMetrics(const std::shared_ptr<const model::RunTotals>& totals) {
  std::vector<endpoints::Metric> metrics;
  const auto count = [&](std::string name, std::string help, std::uint64_t RunStats::*number) {
    metrics.push_back({std::move(name), std::move(help), true,
                       [totals, number] { return static_cast<double>(totals->Read().*number); }});
  };
  const auto failures = [&](const char* reason, RunFailure failure) {
    metrics.push_back({"nv_inference_request_failure", "Inferences that failed.", true,
                       [totals, failure] {
                         return static_cast<double>(
                             totals->Read().failures[static_cast<std::size_t>(failure)]);
                       },
                       std::string("reason=\"") + reason + "\""});
  };
  const auto duration = [&](std::string name, std::string help, std::uint64_t RunStats::*sum) {
    metrics.push_back({std::move(name), std::move(help), true, [totals, sum] {
                         return static_cast<double>(totals->Read().*sum) / kNanosecondsOfAMicrosecond;
                       }});
  };
  count("nv_inference_request_success", "Inferences that succeeded.", &RunStats::successes);
  failures("REJECTED", RunFailure::kRejected);
  failures("CANCELED", RunFailure::kCancelled);
  failures("BACKEND", RunFailure::kBackend);
  failures("OTHER", RunFailure::kOther);
  count("nv_inference_count", "Inferences.", &RunStats::successes);
  count("nv_inference_exec_count", "Runs of an engine; one may compute several inferences of a caller.",
        &RunStats::executions);
  duration("nv_inference_request_duration_us", "Time of successful inferences, summed.",
           &RunStats::success_ns);
  duration("nv_inference_queue_duration_us", "Time that they waited.", &RunStats::queue_ns);
  duration("nv_inference_compute_input_duration_us", "Time to bring their inputs to the worker.",
           &RunStats::input_ns);
  duration("nv_inference_compute_infer_duration_us", "Time in the worker.", &RunStats::infer_ns);
  duration("nv_inference_compute_output_duration_us", "Time to bring their outputs back.",
           &RunStats::output_ns);
  metrics.push_back({"nv_inference_pending_request_count",
                     "Inferences that were accepted and do not run yet.", false,
                     [totals] { return static_cast<double>(totals->Read().pending); }});
  return metrics;
}

}  // namespace blindai::server
