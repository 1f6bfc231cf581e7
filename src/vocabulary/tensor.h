// Tensors as every room speaks of them: name, datatype, shape, and the elements as little-endian row-major
// bytes. The datatype names and the layout are those of the Open Inference Protocol v2 (binary tensor data
// extension): BOOL is one byte, BYTES is a 4-byte little-endian length before each element.
// https://github.com/kserve/open-inference-protocol
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::vocabulary {

enum class Datatype {
  kBool,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kFp16,
  kBf16,
  kFp32,
  kFp64,
  kBytes,
};

// "FP32" and so on; the names of the protocol.
std::string_view DatatypeName(Datatype datatype);
std::optional<Datatype> DatatypeFromName(std::string_view name);
// Bytes of one element; 0 for kBytes, whose elements have their own lengths.
std::size_t ElementSize(Datatype datatype);

// Dimensions from the outermost in. In a model's signature −1 means any; in a tensor none is negative.
using Shape = std::vector<std::int64_t>;
constexpr std::int64_t kAnyDimension = -1;
constexpr std::size_t kMaxRank = 32;

std::string ShapeText(const Shape& shape);  // "[1, 16000]"
// The number of elements of a shape. Errors: a negative dimension, or a product over 2^62 (code
// tensor-shape).
base::Result<std::uint64_t> ElementCount(const Shape& shape);

// One input or output of a model's signature.
struct TensorSpec {
  std::string name;
  Datatype datatype = Datatype::kFp32;
  Shape shape;  // kAnyDimension where it varies
};

// A tensor that owns its elements.
struct Tensor {
  std::string name;
  Datatype datatype = Datatype::kFp32;
  Shape shape;
  base::Bytes data;
};

// The same with elements that somebody else keeps: the body of a request, shared memory.
struct TensorView {
  TensorView() = default;
  TensorView(std::string tensor_name, Datatype tensor_datatype, Shape tensor_shape,
             base::ByteView tensor_data)
      : name(std::move(tensor_name)),
        datatype(tensor_datatype),
        shape(std::move(tensor_shape)),
        data(tensor_data) {}
  TensorView(const Tensor& tensor)  // NOLINT(google-explicit-constructor): a tensor is borrowed wherever a
                                    // view is wanted
      : TensorView(tensor.name, tensor.datatype, tensor.shape, tensor.data) {}

  std::string name;
  Datatype datatype = Datatype::kFp32;
  Shape shape;
  base::ByteView data;
};

// Shape and byte length agree, rank is at most kMaxRank. Codes: tensor-shape, tensor-size.
base::Status CheckTensor(const TensorView& tensor);
// CheckTensor, and the tensor fits the specification: datatype and every fixed dimension. Codes also:
// tensor-dtype.
base::Status CheckAgainst(const TensorView& tensor, const TensorSpec& spec);

}  // namespace blindai::vocabulary
