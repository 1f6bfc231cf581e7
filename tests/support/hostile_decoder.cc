// Stands in for blindai-decoder and breaks the rules of its protocol, as a decoder does that a recording has taken
// over. The first byte of the "recording" says how.

#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "model/packet_socket.h"
#include "model/shared_region.h"
#include "model/worker_process.h"
#include "speech/decoder_protocol.h"

namespace blindai::tests {
namespace {

using speech::FromDecoder;

void Say(const FromDecoder& message) { model::SendPacket(model::kWorkerSocket, Encode(message), -1, 0); }

model::ReceivedPacket Hear() {
  auto packet = model::ReceivePacket(model::kWorkerSocket, 0);
  if (!packet.ok() || packet->state != model::ReceivedPacket::State::kPacket) _exit(0);
  return std::move(*packet);
}

[[noreturn]] void WaitForTheEnd() {
  while (true) Hear();
}

void OnNext(char way, model::Mapping& region) {
  switch (way) {
    case 'n': {  // not a number
      const float nan = std::nanf("");
      std::memcpy(region.writable().data(), &nan, sizeof nan);
      return Say(speech::SamplesMessage{1, false});
    }
    case 'e':  // nothing, and there is more
      return Say(speech::SamplesMessage{0, false});
    case 't':  // two answers
      Say(speech::SamplesMessage{1, false});
      return Say(speech::SamplesMessage{1, false});
    case 'o':  // opened again
      return Say(speech::OpenedMessage{});
    case 'm': {  // more than the region holds
      auto bytes = Encode(FromDecoder(speech::SamplesMessage{speech::kPieceSamples, false}));
      bytes[1] = bytes[2] = bytes[3] = bytes[4] = 0xff;
      model::SendPacket(model::kWorkerSocket, bytes, -1, 0);
      return;
    }
    default:  // silence
      return;
  }
}

int Main() {
  Hear();
  model::SendPacket(model::kWorkerSocket, model::Encode(model::FromWorker(model::CagedMessage{})), -1, 0);
  const auto region_packet = Hear();
  auto region = *model::Mapping::Map(region_packet.descriptor.get(), speech::kRegionBytes, true);
  const auto file_packet = Hear();
  const auto file = *model::Mapping::Map(file_packet.descriptor.get(), 1, false);
  const char way = static_cast<char>(file.view()[0]);
  switch (way) {
    case 'c':  // ends at once
      return 1;
    case 'g':  // a message that is none
      model::SendPacket(model::kWorkerSocket, base::AsBytes("garbage"), -1, 0);
      WaitForTheEnd();
    case 's':  // never opens
      WaitForTheEnd();
    case 'u':  // samples that nobody asked for
      Say(speech::OpenedMessage{});
      Say(speech::SamplesMessage{1, false});
      WaitForTheEnd();
    default:
      break;
  }
  Say(speech::OpenedMessage{});
  while (true) {
    Hear();
    OnNext(way, region);
  }
}

}  // namespace
}  // namespace blindai::tests

int main() { return blindai::tests::Main(); }
