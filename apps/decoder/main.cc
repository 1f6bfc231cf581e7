// blindai-decoder: decodes one recording for blindai-server, which starts it and talks to it through a socket. Not for
// people.
//
// The order is the point: the process locks itself in, and only then gets the recording.

#include <cstdio>
#include <variant>

#include "model/packet_socket.h"
#include "model/worker_cage.h"
#include "model/worker_process.h"
#include "model/worker_protocol.h"
#include "speech/decoder_loop.h"

namespace blindai::speech {
namespace {

int Main() {
  using model::kWorkerSocket;
  if (!model::PrepareWorkerProcess()) return 1;
  const auto packet = model::ReceivePacket(kWorkerSocket, 0);
  if (!packet.ok() || packet->state != model::ReceivedPacket::State::kPacket) {
    std::fputs("blindai-decoder is started by blindai-server; it has no use of its own\n", stderr);
    return 2;
  }
  const auto message = model::DecodeToWorker(packet->bytes);
  const auto* start = message.ok() ? std::get_if<model::StartMessage>(&*message) : nullptr;
  if (start == nullptr) return 1;
  const auto cage = model::LockDown(start->memory_limit_bytes, start->own_mount_namespace);
  if (!cage.ok()) return 1;
  const model::FromWorker caged = model::CagedMessage{*cage};
  if (!model::SendPacket(kWorkerSocket, model::Encode(caged), -1, 0)) return 1;
  return ServeRecording(kWorkerSocket);
}

}  // namespace
}  // namespace blindai::speech

int main() { return blindai::speech::Main(); }
