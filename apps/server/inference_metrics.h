// The runs of all models under Triton's names, so that its dashboards and alerts work here. Triton labels them with
// model and version; here they carry neither, since ids of models belong to their owners and not to the operator.
// https://github.com/triton-inference-server/server (docs/user_guide/metrics.md)
#pragma once

#include <memory>
#include <vector>

#include "model/run_stats.h"
#include "protocols/endpoints/admin.h"

namespace blindai::server {

std::vector<endpoints::Metric> InferenceMetrics(const std::shared_ptr<const model::RunTotals>& totals);

}  // namespace blindai::server
