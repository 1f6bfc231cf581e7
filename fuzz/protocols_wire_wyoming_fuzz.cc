// rooms: base encoding vocabulary protocols/wire
// Law: how a Wyoming conversation is cut into pieces changes nothing.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "protocols/wire/wyoming.h"

namespace {

namespace wire = blindai::wire;

std::string Read(blindai::base::ByteView bytes, std::size_t piece) {
  std::string seen;
  wire::WyomingReader reader;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    reader.Feed(bytes.subspan(at, std::min(piece, bytes.size() - at)));
    while (true) {
      auto event = reader.Next();
      if (!event.ok()) return seen + "error " + event.error().message;
      if (!*event) break;
      seen += std::to_string((*event)->index()) + ";";
      if (const auto* ping = std::get_if<wire::WyomingPing>(&**event)) seen += wire::EncodeWyomingPong(*ping);
      if (const auto* asks = std::get_if<wire::WyomingTranscribe>(&**event))
        seen += asks->model + asks->language;
      if (const auto* chunk = std::get_if<wire::WyomingAudioChunk>(&**event))
        seen += blindai::base::AsText(chunk->samples.ExposeSecret());
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 8192) return 0;
  const blindai::base::ByteView bytes(data + 1, size - 1);
  BLINDAI_CHECK(Read(bytes, bytes.size() + 1) == Read(bytes, std::size_t{1} + data[0]));
  return 0;
}
