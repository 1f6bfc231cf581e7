#include "vocabulary/tensor.h"

#include <array>
#include <cstring>
#include <utility>

namespace blindai::vocabulary {
namespace {

using base::ErrorKind;
using base::MakeError;

struct Entry {
  Datatype datatype;
  std::string_view name;
  std::size_t size;
};
constexpr std::array<Entry, 14> kEntries = {{
    {Datatype::kBool, "BOOL", 1},
    {Datatype::kUint8, "UINT8", 1},
    {Datatype::kUint16, "UINT16", 2},
    {Datatype::kUint32, "UINT32", 4},
    {Datatype::kUint64, "UINT64", 8},
    {Datatype::kInt8, "INT8", 1},
    {Datatype::kInt16, "INT16", 2},
    {Datatype::kInt32, "INT32", 4},
    {Datatype::kInt64, "INT64", 8},
    {Datatype::kFp16, "FP16", 2},
    {Datatype::kBf16, "BF16", 2},
    {Datatype::kFp32, "FP32", 4},
    {Datatype::kFp64, "FP64", 8},
    {Datatype::kBytes, "BYTES", 0},
}};

const Entry& EntryOf(Datatype datatype) { return kEntries[static_cast<std::size_t>(datatype)]; }

// The bytes that `count` elements with a length each take; the elements are walked, none is copied.
base::Status CheckByteElements(const TensorView& tensor, std::uint64_t count) {
  std::size_t at = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (tensor.data.size() - at < 4) {
      return MakeError(ErrorKind::kInvalid, "tensor-size",
                       "tensor '" + tensor.name + "': BYTES data ends inside a length", tensor.name);
    }
    std::uint32_t length = 0;
    for (int b = 3; b >= 0; --b) length = (length << 8) | tensor.data[at + static_cast<std::size_t>(b)];
    at += 4;
    if (tensor.data.size() - at < length) {
      return MakeError(ErrorKind::kInvalid, "tensor-size",
                       "tensor '" + tensor.name + "': BYTES data ends inside an element", tensor.name);
    }
    at += length;
  }
  if (at != tensor.data.size()) {
    return MakeError(ErrorKind::kInvalid, "tensor-size",
                     "tensor '" + tensor.name + "': BYTES data is longer than its elements", tensor.name);
  }
  return base::Ok();
}

}  // namespace

std::string_view DatatypeName(Datatype datatype) { return EntryOf(datatype).name; }

std::optional<Datatype> DatatypeFromName(std::string_view name) {
  for (const Entry& entry : kEntries) {
    if (entry.name == name) return entry.datatype;
  }
  return std::nullopt;
}

std::size_t ElementSize(Datatype datatype) { return EntryOf(datatype).size; }

std::string ShapeText(const Shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

base::Result<std::uint64_t> ElementCount(const Shape& shape) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 62;
  std::uint64_t count = 1;
  bool empty = false;
  for (const std::int64_t dimension : shape) {
    if (dimension < 0)
      return base::Malformed("shape " + ShapeText(shape) + " has a negative dimension", "tensor-shape");
    if (dimension == 0) {
      empty = true;
      continue;
    }
    if (count > kMost / static_cast<std::uint64_t>(dimension)) {
      return base::Malformed("shape " + ShapeText(shape) + " has more than 2^62 elements", "tensor-shape");
    }
    count *= static_cast<std::uint64_t>(dimension);
  }
  return empty ? 0 : count;
}

base::Status CheckTensor(const TensorView& tensor) {
  if (tensor.shape.size() > kMaxRank) {
    return MakeError(ErrorKind::kInvalid, "tensor-shape",
                     "tensor '" + tensor.name + "' has " + std::to_string(tensor.shape.size()) +
                         " dimensions, at most " + std::to_string(kMaxRank) + " are served",
                     tensor.name);
  }
  BLINDAI_TRY(const std::uint64_t count, ElementCount(tensor.shape).Within("tensor '" + tensor.name + "'"));
  if (tensor.datatype == Datatype::kBytes) return CheckByteElements(tensor, count);
  const std::size_t size = ElementSize(tensor.datatype);
  if (tensor.data.size() % size != 0 || tensor.data.size() / size != count) {
    return MakeError(ErrorKind::kInvalid, "tensor-size",
                     "tensor '" + tensor.name + "' has " + std::to_string(tensor.data.size()) +
                         " bytes, its shape " + ShapeText(tensor.shape) + " of " +
                         std::string(DatatypeName(tensor.datatype)) + " needs " + std::to_string(count) +
                         " elements of " + std::to_string(size),
                     tensor.name);
  }
  return base::Ok();
}

base::Status CheckAgainst(const TensorView& tensor, const TensorSpec& spec) {
  BLINDAI_RETURN_IF_ERROR(CheckTensor(tensor));
  if (tensor.datatype != spec.datatype) {
    return MakeError(ErrorKind::kInvalid, "tensor-dtype",
                     "tensor '" + spec.name + "' is " + std::string(DatatypeName(tensor.datatype)) +
                         ", the model wants " + std::string(DatatypeName(spec.datatype)),
                     spec.name);
  }
  bool fits = tensor.shape.size() == spec.shape.size();
  for (std::size_t i = 0; fits && i < spec.shape.size(); ++i) {
    fits = spec.shape[i] == kAnyDimension || spec.shape[i] == tensor.shape[i];
  }
  if (!fits) {
    return MakeError(ErrorKind::kInvalid, "tensor-shape",
                     "tensor '" + spec.name + "' has shape " + ShapeText(tensor.shape) +
                         ", the model wants " + ShapeText(spec.shape) + " (-1 = any)",
                     spec.name);
  }
  return base::Ok();
}

}  // namespace blindai::vocabulary
