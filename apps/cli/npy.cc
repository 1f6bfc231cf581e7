#include "npy.h"

#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "client/failure.h"

namespace blindai::cli {
namespace {

using base::ByteView;
using base::Result;
using vocabulary::Datatype;

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr std::size_t kMaxHeader = 65536;

struct Entry {
  Datatype datatype;
  std::string_view descr;
};
constexpr std::array<Entry, 12> kDescrs = {{{Datatype::kBool, "|b1"},
                                            {Datatype::kUint8, "|u1"},
                                            {Datatype::kUint16, "<u2"},
                                            {Datatype::kUint32, "<u4"},
                                            {Datatype::kUint64, "<u8"},
                                            {Datatype::kInt8, "|i1"},
                                            {Datatype::kInt16, "<i2"},
                                            {Datatype::kInt32, "<i4"},
                                            {Datatype::kInt64, "<i8"},
                                            {Datatype::kFp16, "<f2"},
                                            {Datatype::kFp32, "<f4"},
                                            {Datatype::kFp64, "<f8"}}};

base::Error Wrong(std::string what) { return client::ArgumentError("the .npy file " + std::move(what)); }

// What stands behind 'key': in the header, a Python dictionary with fixed keys.
Result<std::string_view> Value(std::string_view header, std::string_view key) {
  const std::string quoted = "'" + std::string(key) + "':";
  const std::size_t at = header.find(quoted);
  if (at == std::string_view::npos) return Wrong("has a header without " + std::string(key));
  std::string_view rest = header.substr(at + quoted.size());
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  return rest;
}

Result<Datatype> ReadDatatype(std::string_view header) {
  BLINDAI_TRY(const std::string_view value, Value(header, "descr"));
  for (const Entry& entry : kDescrs) {
    if (value.substr(0, 5) == "'" + std::string(entry.descr) + "'") return entry.datatype;
  }
  return Wrong("has elements of a type that is not served; little-endian numbers and truth values are");
}

Result<vocabulary::Shape> ReadShape(std::string_view header) {
  BLINDAI_TRY(std::string_view value, Value(header, "shape"));
  const std::size_t end = value.find(')');
  if (!value.starts_with('(') || end == std::string_view::npos)
    return Wrong("has a shape that cannot be read");
  value = value.substr(1, end - 1);
  vocabulary::Shape shape;
  while (!value.empty()) {
    if (value.front() == ' ' || value.front() == ',') {
      value.remove_prefix(1);
      continue;
    }
    std::int64_t dimension = 0;
    const auto [next, error] = std::from_chars(value.data(), value.data() + value.size(), dimension);
    if (error != std::errc() || dimension < 0) return Wrong("has a shape that cannot be read");
    shape.push_back(dimension);
    value.remove_prefix(static_cast<std::size_t>(next - value.data()));
  }
  return shape;
}

base::Bytes WidenBf16(ByteView halves) {
  base::ByteWriter out;
  for (std::size_t i = 0; i + 1 < halves.size(); i += 2) out.U16(0).U8(halves[i]).U8(halves[i + 1]);
  return std::move(out).Take();
}

}  // namespace

Result<vocabulary::Tensor> DecodeNpy(const std::string& name, ByteView file) {
  base::ByteReader reader(file);
  const auto magic = reader.Take("magic", kMagic.size());
  if (!magic.ok() || base::AsText(*magic) != kMagic) return Wrong("does not begin as NumPy's files do");
  const auto major = reader.U8("version");
  const auto minor = reader.U8("version");
  if (!major.ok() || !minor.ok() || *major < 1 || *major > 3)
    return Wrong("has a version that is not 1, 2 or 3");
  std::size_t header_size = 0;
  if (*major == 1) {
    const auto size = reader.U16("header length");
    if (!size.ok()) return Wrong("ends early");
    header_size = *size;
  } else {
    const auto size = reader.U32("header length");
    if (!size.ok()) return Wrong("ends early");
    header_size = *size;
  }
  if (header_size > kMaxHeader) return Wrong("has a header of more than 65536 bytes");
  const auto header_bytes = reader.Take("header", header_size);
  if (!header_bytes.ok()) return Wrong("ends early");
  const std::string_view header = base::AsText(*header_bytes);
  vocabulary::Tensor tensor;
  tensor.name = name;
  BLINDAI_TRY(tensor.datatype, ReadDatatype(header));
  BLINDAI_TRY(tensor.shape, ReadShape(header));
  BLINDAI_TRY(const std::string_view order, Value(header, "fortran_order"));
  if (!order.starts_with("False"))
    return Wrong("is in Fortran order; save a C-ordered array (numpy.ascontiguousarray)");
  tensor.data = base::CopyBytes(reader.rest());
  const base::Status fits = vocabulary::CheckTensor(tensor);
  if (!fits.ok()) return Wrong("contradicts itself: " + fits.error().message);
  return tensor;
}

Result<base::Bytes> EncodeNpy(const vocabulary::TensorView& tensor) {
  const bool bf16 = tensor.datatype == Datatype::kBf16;
  const Datatype stored = bf16 ? Datatype::kFp32 : tensor.datatype;
  std::optional<std::string_view> descr;
  for (const Entry& entry : kDescrs) {
    if (entry.datatype == stored) descr = entry.descr;
  }
  if (!descr) return Wrong("cannot hold BYTES; use --json");
  std::string header = "{'descr': '" + std::string(*descr) + "', 'fortran_order': False, 'shape': (";
  for (const std::int64_t dimension : tensor.shape) header += std::to_string(dimension) + ", ";
  header += "), }";
  // The elements begin at a multiple of 64, behind a line end.
  constexpr std::size_t kFixed = 10;
  header.append(63 - (kFixed + header.size()) % 64, ' ');
  header += '\n';
  base::ByteWriter out;
  out.Append(kMagic).U8(1).U8(0).U16(static_cast<std::uint16_t>(header.size())).Append(header);
  out.Append(bf16 ? ByteView(WidenBf16(tensor.data)) : tensor.data);
  return std::move(out).Take();
}

}  // namespace blindai::cli
