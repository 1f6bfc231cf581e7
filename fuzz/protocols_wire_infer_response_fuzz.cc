// rooms: base vocabulary protocols/wire
// The law: what DecodeInferResponse accepts is encoded to a body that decodes to the same, byte for byte. The
// answers to every other request of the client are read too: none may stop the process.
#include <cstdlib>

#include "protocols/wire/errors.h"
#include "protocols/wire/model_listing.h"
#include "protocols/wire/open_inference_v2.h"
#include "protocols/wire/open_inference_v2_metadata.h"

using namespace blindai;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const base::ByteView body(data + 1, size - 1);
  (void)wire::DecodeError(400, body);
  (void)wire::DecodeModelList(body).ok();
  (void)wire::DecodeModelMetadata(body).ok();
  (void)wire::DecodeStatistics(body).ok();
  (void)wire::DecodeIndex(body).ok();
  std::optional<std::uint64_t> header_length;
  if (data[0] != 0) header_length = 4u * data[0];
  wire::InferLimits limits;
  limits.tensor_bytes = 1 << 20;
  auto response = wire::DecodeInferResponse(body, header_length, limits);
  if (!response.ok()) return 0;
  const auto first = wire::EncodeInferResponse(*response);
  if (!first.ok()) std::abort();
  const base::Bytes bytes = first->Joined();
  const auto again = wire::DecodeInferResponse(bytes, first->header_length, limits);
  if (!again.ok()) std::abort();
  const auto second = wire::EncodeInferResponse(*again);
  if (!second.ok() || second->Joined() != bytes) std::abort();
  return 0;
}
