#include "server/inference_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace blindai::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(InferenceMetrics, SpeakTritonsNamesWithoutTheModels) {
  const auto totals = std::make_shared<model::RunTotals>();
  totals->Update([](model::RunStats& run) {
    run.successes = 3;
    run.executions = 2;
    run.failures[static_cast<std::size_t>(model::RunFailure::kBackend)] = 2;
    run.success_ns = 7'500;
    run.infer_ns = 5'000;
    run.pending = 1;
  });
  const std::string text = endpoints::MetricsText(InferenceMetrics(totals));
  for (const char* line :
       {"nv_inference_request_success 3\n", "nv_inference_request_failure{reason=\"BACKEND\"} 2\n",
        "nv_inference_request_failure{reason=\"REJECTED\"} 0\n", "nv_inference_count 3\n",
        "nv_inference_exec_count 2\n", "nv_inference_request_duration_us 7.5\n",
        "nv_inference_queue_duration_us 0\n", "nv_inference_compute_infer_duration_us 5\n",
        "# TYPE nv_inference_pending_request_count gauge\nnv_inference_pending_request_count 1\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text, Not(HasSubstr("model=")));
}

}  // namespace
}  // namespace blindai::server
