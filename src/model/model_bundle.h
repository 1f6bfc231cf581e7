// Several ONNX files in one: what a model that is made of several networks is to everything that keeps, hashes,
// seals and maps model files. A bundle begins with a byte that no protobuf message can begin with, so the gate never
// takes one for an ONNX file and nobody can hide one in an ONNX file. It is made by the server from files that passed
// the gate one by one; clients never send one.
//
//   magic 16 bytes · each part, from a multiple of 64 on · index: for each part U8 length of its name, the name,
//   U64 offset, U64 size · U32 number of parts · U64 offset of the index · all numbers little endian
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::model {

inline constexpr std::size_t kMaxBundleParts = 16;

struct BundlePart {
  std::string name;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

// Says what to write before, between and behind the parts of a bundle that is written from front to back.
class BundleLayout {
 public:
  // The first bytes of the file.
  static base::Bytes Begin();
  // A part begins, `size` bytes into the file: the zeros to write before it.
  base::Bytes BeginPart(std::string name, std::uint64_t size);
  // The last one ended there: what follows it.
  base::Bytes End(std::uint64_t size);
  bool Has(std::string_view name) const;

 private:
  void EndPart(std::uint64_t size);

  std::vector<BundlePart> parts_;
  bool open_ = false;
};

bool IsBundle(base::ByteView file);
// Its parts, each within the file. Code: model-bundle.
base::Result<std::vector<BundlePart>> ReadBundle(base::ByteView file);

}  // namespace blindai::model
