#include "model/check_run.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

namespace blindai::model {
namespace {

using base::ErrorKind;
using base::MakeError;
using vocabulary::Datatype;
using vocabulary::TensorSpec;
using vocabulary::TensorView;

std::string NamesOf(const std::vector<TensorSpec>& specs) {
  std::string names;
  for (const TensorSpec& spec : specs) names += (names.empty() ? "'" : ", '") + spec.name + "'";
  return names;
}

base::Error WrongName(std::string seen, const std::vector<TensorSpec>& wanted) {
  return MakeError(ErrorKind::kInvalid, "tensor-name",
                   std::move(seen) + "; the model's inputs are " + NamesOf(wanted), "inputs");
}

// The port with this name, or the number of ports.
std::size_t PortOf(const std::vector<TensorSpec>& specs, std::string_view name) {
  const auto found = std::ranges::find(specs, name, &TensorSpec::name);
  return static_cast<std::size_t>(found - specs.begin());
}

template <typename Integer>
bool AllBetween(base::ByteView data, Integer least, Integer most) {
  for (std::size_t at = 0; at < data.size(); at += sizeof(Integer)) {
    Integer value;
    std::memcpy(&value, data.data() + at, sizeof value);
    if (value < least || value > most) return false;
  }
  return true;
}

base::Status CheckIntegers(const TensorView& tensor) {
  if (tensor.datatype != Datatype::kInt64 ||
      AllBetween<std::int64_t>(tensor.data, std::numeric_limits<std::int32_t>::min(),
                               std::numeric_limits<std::int32_t>::max())) {
    return base::Ok();
  }
  return MakeError(
      ErrorKind::kInvalid, "int64-range",
      "tensor '" + tensor.name +
          "' has an element outside -2147483648 to 2147483647: the engine computes the 64-bit integers of "
          "this model in 32 bits",
      "inputs");
}

base::Status CheckBooleans(const TensorView& tensor) {
  if (tensor.datatype != Datatype::kBool || AllBetween<std::uint8_t>(tensor.data, 0, 1)) return base::Ok();
  return MakeError(ErrorKind::kInvalid, "tensor-value",
                   "tensor '" + tensor.name + "' is BOOL and has a byte that is neither 0 nor 1", "inputs");
}

base::Status CheckInput(const TensorView& tensor, const TensorSpec& spec, bool exact) {
  BLINDAI_RETURN_IF_ERROR(vocabulary::CheckAgainst(tensor, spec));
  if (!exact) BLINDAI_RETURN_IF_ERROR(CheckIntegers(tensor));
  return CheckBooleans(tensor);
}

base::Result<std::vector<std::uint16_t>> WantedPorts(const ModelSignature& signature,
                                                     const std::vector<std::string>& names) {
  std::vector<std::uint16_t> ports;
  if (names.empty()) {
    for (std::size_t i = 0; i < signature.outputs.size(); ++i) ports.push_back(static_cast<std::uint16_t>(i));
    return ports;
  }
  for (const std::string& name : names) {
    const std::size_t port = PortOf(signature.outputs, name);
    const bool twice = std::ranges::find(ports, port) != ports.end();
    if (port == signature.outputs.size() || twice) {
      return MakeError(
          ErrorKind::kInvalid, "output-name",
          (twice ? "an output is asked for twice" : "an output that the model does not have is asked for") +
              std::string("; the model's outputs are ") + NamesOf(signature.outputs),
          "outputs");
    }
    ports.push_back(static_cast<std::uint16_t>(port));
  }
  return ports;
}

base::Error Wrong(std::string message) { return base::Malformed(std::move(message), "worker-protocol"); }

base::Status CheckSpecs(const std::vector<TensorSpec>& specs, bool exact) {
  std::set<std::string_view> names;
  for (const TensorSpec& spec : specs) {
    if (!names.insert(spec.name).second) return Wrong("two ports have one name");
    const bool wide = spec.datatype == Datatype::kFp64 || spec.datatype == Datatype::kUint64;
    if (spec.datatype == Datatype::kBytes || (wide && !exact))
      return Wrong("a port has a type that is not served");
  }
  return base::Ok();
}

base::Status CheckShape(const vocabulary::Shape& seen, const vocabulary::Shape& wanted) {
  if (seen.size() != wanted.size()) return Wrong("an output has another rank than the model says");
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (wanted[i] != vocabulary::kAnyDimension && wanted[i] != seen[i]) {
      return Wrong("an output has another shape than the model says");
    }
  }
  return base::Ok();
}

}  // namespace

base::Result<RunPlan> PlanRun(const ModelSignature& signature, const std::vector<TensorView>& inputs,
                              const std::vector<std::string>& outputs, std::uint64_t max_bytes) {
  RunPlan plan;
  std::vector<bool> given(signature.inputs.size(), false);
  for (const TensorView& tensor : inputs) {
    const std::size_t port = PortOf(signature.inputs, tensor.name);
    if (port == signature.inputs.size())
      return WrongName("an input has a name that the model does not know", signature.inputs);
    const TensorSpec& spec = signature.inputs[port];
    if (given[port]) return WrongName("input '" + spec.name + "' is given twice", signature.inputs);
    given[port] = true;
    if (tensor.data.size() > max_bytes || plan.region_bytes > max_bytes - tensor.data.size()) {
      return MakeError(ErrorKind::kTooLarge, "tensors-too-large",
                       "the inputs together have more than " + std::to_string(max_bytes) +
                           " bytes, the limit of this server",
                       "inputs");
    }
    BLINDAI_RETURN_IF_ERROR(CheckInput(tensor, spec, signature.exact));
    plan.inputs.push_back(
        {static_cast<std::uint16_t>(port), tensor.shape, plan.region_bytes, tensor.data.size()});
    plan.region_bytes = RoundUpToPlacement(plan.region_bytes + tensor.data.size());
  }
  const auto missing = std::ranges::find(given, false);
  if (missing != given.end()) {
    const std::size_t port = static_cast<std::size_t>(missing - given.begin());
    return WrongName("input '" + signature.inputs[port].name + "' is missing", signature.inputs);
  }
  BLINDAI_TRY(plan.outputs, WantedPorts(signature, outputs));
  return plan;
}

base::Status CheckSignature(const ModelSignature& signature) {
  if (signature.outputs.empty()) return Wrong("the model has no outputs");
  BLINDAI_RETURN_IF_ERROR(CheckSpecs(signature.inputs, signature.exact));
  return CheckSpecs(signature.outputs, signature.exact);
}

base::Status CheckAnswer(const ModelSignature& signature, const std::vector<std::uint16_t>& wanted,
                         const RanMessage& answer, std::uint64_t region_bytes, std::uint64_t max_bytes) {
  if (answer.outputs.size() != wanted.size()) return Wrong("other outputs than were asked for");
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const PlacedTensor& output = answer.outputs[i];
    if (output.port != wanted[i]) return Wrong("other outputs than were asked for");
    const TensorSpec& spec = signature.outputs[output.port];
    BLINDAI_RETURN_IF_ERROR(CheckShape(output.shape, spec.shape));
    const auto elements = vocabulary::ElementCount(output.shape);
    if (!elements.ok()) return Wrong("an output has an impossible shape");
    const std::uint64_t element_bytes = vocabulary::ElementSize(spec.datatype);
    if (*elements > max_bytes / element_bytes || *elements * element_bytes != output.bytes) {
      return Wrong("an output has another length than its shape says");
    }
    if (output.bytes > region_bytes || output.offset > region_bytes - output.bytes) {
      return Wrong("an output lies outside the region");
    }
    total += output.bytes;
    if (total > max_bytes) return Wrong("the outputs are too large together");
  }
  return base::Ok();
}

std::uint64_t OutputRegionBytes(const ModelSignature& signature, std::uint64_t max_bytes) {
  std::uint64_t total = 0;
  for (const TensorSpec& spec : signature.outputs) {
    const bool varies = std::ranges::find(spec.shape, vocabulary::kAnyDimension) != spec.shape.end();
    const auto elements = vocabulary::ElementCount(spec.shape);
    if (varies || !elements.ok() || *elements > max_bytes) return max_bytes;
    total += RoundUpToPlacement(*elements * vocabulary::ElementSize(spec.datatype));
    if (total > max_bytes) return max_bytes;
  }
  return std::max(total, kPlacement);
}

}  // namespace blindai::model
