// rooms: base vocabulary protocols/wire
// The law: what DecodeInferRequest accepts is encoded to a body that decodes to the same, byte for byte.
// The first byte of the input chooses between JSON only, a header length, and a raw body.
#include <cstdlib>

#include "protocols/wire/open_inference_v2.h"

using namespace blindai;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const base::ByteView body(data + 1, size - 1);
  const vocabulary::TensorSpec audio{"audio", vocabulary::Datatype::kFp32, {-1, -1}};
  std::optional<std::uint64_t> header_length;
  if (data[0] != 0) header_length = data[0] == 1 ? 0 : 4u * data[0];
  wire::InferLimits limits;
  limits.tensor_bytes = 1 << 20;
  auto request = wire::DecodeInferRequest(body, header_length, {&audio, 1}, limits);
  if (!request.ok()) return 0;
  const auto first = wire::EncodeInferRequest(*request);
  if (!first.ok()) std::abort();
  const base::Bytes bytes = first->Joined();
  const auto again = wire::DecodeInferRequest(bytes, first->header_length, {&audio, 1}, limits);
  if (!again.ok()) std::abort();
  const auto second = wire::EncodeInferRequest(*again);
  if (!second.ok() || second->Joined() != bytes) std::abort();
  return 0;
}
