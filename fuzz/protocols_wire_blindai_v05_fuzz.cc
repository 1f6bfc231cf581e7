// rooms: base vocabulary protocols/wire/blindai_v05
// Laws: whatever messages come, no more bytes are kept than the limit allows, and what is complete is made of
// tensors whose dims and bytes agree.
#include <algorithm>
#include <optional>

#include "base/check.h"
#include "protocols/wire/blindai_v05/run_stream.h"
#include "protocols/wire/blindai_v05/upload_stream.h"

namespace {

using blindai::base::ByteView;

constexpr std::size_t kTensorBytes = 4096;
constexpr std::size_t kTensors = 8;

// Messages of a stream, each behind two bytes with its length, big-endian.
template <typename Message, typename Take>
void ForEach(ByteView input, Take take) {
  while (input.size() >= 2) {
    const std::size_t size = std::min<std::size_t>(input[0] << 8 | input[1], input.size() - 2);
    Message message;
    if (!message.ParseFromArray(input.data() + 2, static_cast<int>(size)) || !take(message)) return;
    input = input.subspan(2 + size);
  }
}

void Run(ByteView input) {
  blindai::wire::RunStream stream({.tensor_bytes = kTensorBytes, .tensors = kTensors});
  ForEach<securedexchange::RunModelRequest>(
      input, [&stream](securedexchange::RunModelRequest& message) { return stream.Add(message).ok(); });
  std::size_t bytes = 0;
  const auto tensors = stream.inputs();
  for (const auto& tensor : tensors) bytes += tensor.data.size();
  BLINDAI_CHECK(bytes <= kTensorBytes && tensors.size() <= kTensors);
  if (!stream.Finish().ok()) return;
  for (const auto& tensor : tensors) BLINDAI_CHECK(blindai::vocabulary::CheckTensor(tensor).ok());
}

void Upload(ByteView input) {
  std::optional<blindai::wire::UploadStream> stream;
  std::uint64_t received = 0;
  ForEach<securedexchange::SendModelRequest>(input, [&](const securedexchange::SendModelRequest& message) {
    if (!stream) {
      auto begun = blindai::wire::UploadStream::Begin(message);
      if (!begun.ok()) return false;
      stream = std::move(begun).value();
    }
    const auto piece = stream->Next(message);
    if (piece.ok()) received += piece->size();
    return piece.ok();
  });
  if (stream) BLINDAI_CHECK(received <= stream->length());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Run({data, size});
  Upload({data, size});
  return 0;
}
