#include "protocols/wire/blindai_tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace blindai::wire {
namespace {

using base::ErrorKind;
using base::MakeError;
using vocabulary::Datatype;

struct Row {
  Datatype datatype;
  std::string_view name;
};
// By number.
constexpr Row kRows[] = {{Datatype::kFp32, "F32"},  {Datatype::kFp64, "F64"},   {Datatype::kInt32, "I32"},
                         {Datatype::kInt64, "I64"}, {Datatype::kUint32, "U32"}, {Datatype::kUint64, "U64"},
                         {Datatype::kUint8, "U8"},  {Datatype::kUint16, "U16"}, {Datatype::kInt8, "I8"},
                         {Datatype::kInt16, "I16"}, {Datatype::kBool, "Bool"}};

}  // namespace

base::Result<Datatype> DatatypeFromBlindai(std::uint64_t number) {
  if (number < std::size(kRows)) return kRows[number].datatype;
  return MakeError(ErrorKind::kInvalid, "tensor-dtype",
                   fmt::format("datum_type {} is not known; wanted 0 to {}", number, std::size(kRows) - 1),
                   "datum_type");
}

std::optional<BlindaiDatatype> BlindaiFromDatatype(Datatype datatype) {
  for (std::uint32_t number = 0; number < std::size(kRows); ++number) {
    if (kRows[number].datatype == datatype) return BlindaiDatatype{number, kRows[number].name};
  }
  return std::nullopt;
}

base::Status NameInputs(const std::vector<vocabulary::TensorSpec>& model,
                        std::vector<vocabulary::TensorView>& inputs) {
  const auto named =
      std::count_if(inputs.begin(), inputs.end(), [](const auto& input) { return !input.name.empty(); });
  if (named != 0) {
    if (static_cast<std::size_t>(named) == inputs.size()) return base::Ok();
    return MakeError(ErrorKind::kInvalid, "tensor-name",
                     "some inputs have names and some have none; name all of them, or none");
  }
  if (inputs.size() != model.size()) {
    return MakeError(ErrorKind::kInvalid, "tensor-count",
                     fmt::format("{} inputs were sent, the model has {}", inputs.size(), model.size()));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) inputs[i].name = model[i].name;
  return base::Ok();
}

}  // namespace blindai::wire
