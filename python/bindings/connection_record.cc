// Binds client/connection_record.h: what a connection proved, judged again.
#include "client/connection_record.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "attestation/policy/policy_file.h"
#include "bindings.h"

namespace blindai::python {
namespace nb = nanobind;
using namespace nb::literals;

namespace {

// `at` is in seconds since the epoch; now when it is None.
verifier::Verdict JudgeRecord(const std::string& record, const std::optional<std::string>& policy,
                              const std::vector<nb::bytes>& roots, bool simulation,
                              std::optional<std::int64_t> at) {
  const auto read = client::DecodeRecord(record);
  if (!read.ok()) throw nb::value_error(read.error().message.c_str());
  channel::ClientDemand demand;
  std::optional<policy::Policy> accepted;
  if (policy) {
    auto parsed = policy::ParsePolicy(*policy);
    if (!parsed.ok()) throw nb::value_error(parsed.error().message.c_str());
    demand.policy = &accepted.emplace(*std::move(parsed));
  }
  std::vector<base::Bytes> certificates;
  for (const nb::bytes& root : roots) {
    const auto* const data = static_cast<const std::uint8_t*>(root.data());
    certificates.emplace_back(data, data + root.size());
  }
  if (!certificates.empty()) {
    auto anchors = verifier::TrustAnchors::ProductionAnd(certificates);
    if (!anchors.ok()) throw nb::value_error(anchors.error().message.c_str());
    demand.anchors = *std::move(anchors);
  }
  if (simulation) demand.allow_simulation = verifier::AllowSimulation::kYes;
  demand.now = at ? base::Time(std::chrono::seconds(*at)) : base::Now();
  auto verdict = client::Judge(*read, demand);
  if (!verdict.ok()) Raise(verdict.error());
  return *std::move(verdict);
}

}  // namespace

void BindConnectionRecord(nb::module_& module) {
  module.def("judge_record", &JudgeRecord, "record"_a, "policy"_a.none(), "roots"_a, "simulation"_a,
             "at"_a.none());
}

}  // namespace blindai::python
