// rooms: base vocabulary protocols/wire protocols/wire/open_inference_grpc
// Laws: whatever message comes, no more bytes are taken than the limit allows, what is decoded is made of tensors whose
// shapes and bytes agree, and after wiping nothing but zeros is left of it. A load never takes more than one file.
#include <algorithm>

#include "base/check.h"
#include "protocols/wire/open_inference_grpc/infer_message.h"
#include "protocols/wire/open_inference_grpc/model_messages.h"

namespace {

using namespace blindai;

constexpr std::uint64_t kTensorBytes = 4096;

void Infer(const std::uint8_t* data, std::size_t size) {
  inference::ModelInferRequest message;
  if (!message.ParseFromArray(data, static_cast<int>(size))) return;
  const auto request = wire::DecodeInferMessage(message, {.tensor_bytes = kTensorBytes});
  if (request.ok()) {
    std::uint64_t bytes = 0;
    for (const wire::InferTensor& input : request->inputs) {
      BLINDAI_CHECK(vocabulary::CheckTensor(input.tensor).ok());
      bytes += input.tensor.data.size();
    }
    BLINDAI_CHECK(bytes <= kTensorBytes);
  }
  wire::WipeMessage(message);
  for (const std::string& raw : message.raw_input_contents())
    BLINDAI_CHECK(std::ranges::all_of(raw, [](char c) { return c == '\0'; }));
}

void Load(const std::uint8_t* data, std::size_t size) {
  inference::RepositoryModelLoadRequest message;
  if (!message.ParseFromArray(data, static_cast<int>(size))) return;
  const auto load = wire::DecodeLoadMessage(message);
  if (load.ok() && load->file) BLINDAI_CHECK(!load->file->empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Infer(data, size);
  Load(data, size);
  return 0;
}
