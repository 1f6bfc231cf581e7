// Binds the verdict that client/client.h hands out.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bindings.h"
#include "client/client.h"

namespace blindai::python {
namespace nb = nanobind;
using namespace nb::literals;
using verifier::Finding;
using verifier::Verdict;

void BindVerdict(nb::module_& module) {
  nb::class_<Finding>(module, "Finding", "One check of a verdict.")
      .def_ro("code", &Finding::code,
              "Stable code: 'ok' when it passed, 'not-asked' when nobody asked for it.")
      .def_ro("check", &Finding::check, "What was checked.")
      .def_prop_ro(
          "status", [](const Finding& f) { return std::string(verifier::StatusName(f.status)); },
          "'PASSED', 'FAILED' or 'SKIPPED'. SKIPPED never counts as PASSED.")
      .def_ro("seen", &Finding::seen, "What the evidence says.")
      .def_ro("wanted", &Finding::wanted, "What would be accepted.")
      .def_ro("hint", &Finding::hint, "What to do about it.")
      .def("__repr__", [](const Finding& f) {
        return "Finding(" + f.check + ": " + std::string(verifier::StatusName(f.status)) + " [" + f.code +
               "])";
      });

  nb::class_<Verdict>(
      module, "Verdict",
      "The answer to \"may I trust what is at the other end?\", with every finding. str() is the table that "
      "the command line prints.")
      .def_prop_ro(
          "outcome", [](const Verdict& v) { return std::string(verifier::OutcomeName(v.outcome)); },
          "'trusted', 'refused', 'undecided' or 'simulation'.")
      .def_ro("mode", &Verdict::mode, "'hardware' or 'simulation'.")
      .def_prop_ro(
          "tee",
          [](const Verdict& v) {
            return v.tee ? std::optional<std::string>(evidence::TeeName(*v.tee)) : std::nullopt;
          },
          "The kind of hardware: 'sgx', 'tdx', 'snp', 'tpm', 'nitro' or 'simulated'; None when it is none of "
          "them.")
      .def_prop_ro("trusted", &Verdict::trusted, "True only when every required check passed under a policy.")
      .def_prop_ro(
          "findings", [](const Verdict& v) { return v.findings; }, "Every check, as a list of Finding.")
      .def_prop_ro(
          "claims",
          [](const Verdict& v) {
            nb::dict claims;
            for (const auto& [name, text] : v.claims) claims[name.c_str()] = text;
            return claims;
          },
          "What authentic evidence says: a dict of texts, empty unless the evidence is authentic.")
      .def(
          "has", [](const Verdict& v, const std::string& code) { return v.Has(code); }, "code"_a,
          "Whether a finding with this code failed, or was skipped for want of something.")
      .def(
          "to_json", [](const Verdict& v) { return verifier::RenderJson(v); }, "The verdict as JSON text.")
      .def("__str__", [](const Verdict& v) { return verifier::RenderText(v); })
      .def("__repr__", [](const Verdict& v) {
        return "<blindai.Verdict " + std::string(verifier::OutcomeName(v.outcome)) + ", " + v.mode + ">";
      });
}

}  // namespace blindai::python
