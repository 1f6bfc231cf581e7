// Binds the descriptions of models that client/client.h hands out.
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bindings.h"
#include "client/client.h"

namespace blindai::python {
namespace nb = nanobind;
using vocabulary::TensorSpec;
using wire::ModelInfo;

void BindModelListing(nb::module_& module) {
  nb::class_<TensorSpec>(module, "TensorSpec", "One input or output of a model.")
      .def_ro("name", &TensorSpec::name)
      .def_prop_ro(
          "datatype", [](const TensorSpec& s) { return std::string(vocabulary::DatatypeName(s.datatype)); },
          "The Open Inference Protocol's name: 'FP32', 'INT64', 'BOOL', …")
      .def_prop_ro(
          "shape", [](const TensorSpec& s) { return nb::tuple(nb::cast(s.shape)); },
          "Dimensions from the outermost in; -1 where it varies.")
      .def("__repr__", [](const TensorSpec& s) {
        return "TensorSpec(" + s.name + ": " + std::string(vocabulary::DatatypeName(s.datatype)) + " " +
               vocabulary::ShapeText(s.shape) + ")";
      });

  nb::class_<ModelInfo>(module, "Model", "One model on the server.")
      .def_ro("id", &ModelInfo::id)
      .def_ro("model_id", &ModelInfo::id, "The same, as BlindAI's older clients called it.")
      .def_ro("created", &ModelInfo::created, "Seconds since the epoch.")
      .def_ro("owned_by", &ModelInfo::owned_by)
      .def_ro("sha256", &ModelInfo::sha256,
              "Of the uploaded file, as the server computed it; lower-case hex.")
      .def_ro("bytes", &ModelInfo::bytes, "Of the uploaded file.")
      .def_prop_ro(
          "precision", [](const ModelInfo& m) { return std::string(wire::PrecisionName(m.precision)); },
          "'f32' or 'bf16': what the engine computes in.")
      .def_prop_ro(
          "kind", [](const ModelInfo& m) { return std::string(wire::ModelKindName(m.kind)); },
          "'tensor', 'ctc-speech' or 'whisper'.")
      .def_prop_ro(
          "visibility", [](const ModelInfo& m) { return std::string(wire::VisibilityName(m.visibility)); },
          "'private', 'link', 'tenants' or 'public'.")
      .def_ro("state", &ModelInfo::state, "'ready', 'loading', 'stored' or 'failed'.")
      .def_ro("saved", &ModelInfo::saved, "It survives a restart of the server.")
      .def_ro("default", &ModelInfo::is_default, "Its owner's transcriptions that name no model use it.")
      .def_ro("version", &ModelInfo::version, "The number of the version that is described.")
      .def_ro("versions", &ModelInfo::versions,
              "The numbers of all versions that this client may use, ascending.")
      .def_prop_ro(
          "labels",
          [](const ModelInfo& m) {
            return std::map<std::string, std::uint64_t>(m.labels.begin(), m.labels.end());
          },
          "Which of these versions each label names.")
      .def_ro("version_policy", &ModelInfo::version_policy,
              "Which versions stay: 'latest:1', 'latest:N', 'specific:1,3' or 'all'.")
      .def_ro("expires_at", &ModelInfo::expires_at,
              "Seconds since the epoch, from which on it is gone; None: never.")
      .def_prop_ro("inputs", [](const ModelInfo& m) { return m.inputs; })
      .def_prop_ro("outputs", [](const ModelInfo& m) { return m.outputs; })
      .def("__repr__", [](const ModelInfo& m) { return "<blindai.Model " + m.id + ", " + m.state + ">"; });
}

}  // namespace blindai::python
