// blindai-worker: runs one model for blindai-server, which starts it and talks to it through a socket. Not
// for people.
//
// The order is the point: the engine starts, the process locks itself in, and only then asks for the model.

#include <cstdio>

#include "model/engine.h"
#include "model/freed_memory.h"
#include "model/packet_socket.h"
#include "model/worker_cage.h"
#include "model/worker_loop.h"
#include "model/worker_process.h"
#include "model/worker_protocol.h"

namespace blindai::model {
namespace {

int Fail() {
  SendPacket(kWorkerSocket, Encode(FromWorker(FailedMessage{0, Failure::kInternal})), -1, 0);
  return 1;
}

int Main() {
  if (!FreedMemoryIsWiped() || !PrepareWorkerProcess()) return Fail();
  const auto packet = ReceivePacket(kWorkerSocket, 0);
  if (!packet.ok() || packet->state != ReceivedPacket::State::kPacket) {
    std::fputs("blindai-worker is started by blindai-server; it has no use of its own\n", stderr);
    return 2;
  }
  const auto message = DecodeToWorker(packet->bytes);
  const auto* start = message.ok() ? std::get_if<StartMessage>(&*message) : nullptr;
  if (start == nullptr) return Fail();

  const auto engine = StartOpenVino(start->precision, start->threads);
  if (!engine) return Fail();
  const auto cage = LockDown(start->memory_limit_bytes, start->own_mount_namespace);
  if (!cage.ok()) return Fail();
  if (!SendPacket(kWorkerSocket, Encode(FromWorker(CagedMessage{*cage})), -1, 0)) return 1;
  ServeModel(kWorkerSocket, *engine);
}

}  // namespace
}  // namespace blindai::model

int main() { return blindai::model::Main(); }
