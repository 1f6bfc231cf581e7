// rooms: base speech
// A packet of a decoder that a recording has taken over is refused or is a message, which is written as it was read.
#include "speech/decoder_protocol.h"

#include <algorithm>

#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blindai;
  const base::ByteView packet(data, size);
  if (const auto message = speech::DecodeFromDecoder(packet); message.ok()) {
    BLINDAI_CHECK(std::ranges::equal(speech::Encode(*message), packet));
  }
  if (const auto message = speech::DecodeToDecoder(packet); message.ok()) {
    BLINDAI_CHECK(std::ranges::equal(speech::Encode(*message), packet));
  }
  return 0;
}
