// A worker in the hands of its model: it speaks the protocol well enough to be given work, and then does what
// the model's text says. Used by model_host_test.cc.

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "model/packet_socket.h"
#include "model/shared_region.h"
#include "model/worker_process.h"
#include "model/worker_protocol.h"

namespace blindai::tests {
namespace {

using namespace model;  // NOLINT(google-build-using-namespace): this whole program speaks its words

void Say(const FromWorker& message) { SendPacket(kWorkerSocket, Encode(message), -1, 0); }

// x [any, 4] FP32 → y the same, and honest until told otherwise.
LoadedMessage Signature() {
  LoadedMessage loaded;
  loaded.signature.inputs = {{"x", vocabulary::Datatype::kFp32, {-1, 4}}};
  loaded.signature.outputs = {{"y", vocabulary::Datatype::kFp32, {-1, 4}}};
  return loaded;
}

// False: nothing more to say for this load.
void AnswerLoad(const std::string& lie, bool measure_rows) {
  LoadedMessage loaded = Signature();
  if (lie == "end-at-load") _exit(0);
  if (lie == "silent-at-load") return;
  if (lie == "garbage-at-load") {
    SendPacket(kWorkerSocket, base::AsBytes("\xff\xff\xff\xff"), -1, 0);
    return;
  }
  if (lie == "ran-at-load") return Say(RanMessage{1, 1, {}});
  if (lie == "names-twice") {
    loaded.signature.outputs.push_back(loaded.signature.outputs[0]);
  }
  if (measure_rows && lie.starts_with("rows")) loaded.max_rows = kMostRows;
  if (lie == "bytes-type") loaded.signature.inputs[0].datatype = vocabulary::Datatype::kBytes;
  Say(loaded);
}

void AnswerRun(const std::string& lie, const RunMessage& run) {
  RanMessage ran{run.run, 1, {{0, run.inputs[0].shape, 0, run.inputs[0].bytes}}};
  PlacedTensor& output = ran.outputs[0];
  if (lie == "long") output.bytes += 4;
  if (lie == "huge-shape") output.shape = {std::int64_t{1} << 60, 4};
  if (lie == "huge-claim") {
    output.shape = {std::int64_t{1} << 40, 4};
    output.bytes = std::uint64_t{1} << 44;
  }
  if (lie == "outside") output.offset = ~std::uint64_t{0} - 15;
  if (lie == "rank") output.shape = {1, 1, 4};
  if (lie == "other-output") output.port = 1;
  if (lie == "other-run") ran.run = run.run + 1;
  if (lie == "twice") Say(ran);
  if (lie == "two-outputs") ran.outputs.push_back(output);
  if (lie == "none") ran.outputs.clear();
  if (lie == "end-at-run") _exit(0);
  if (lie == "silent-at-run") return;
  if (lie == "loaded-at-run") return Say(Signature());
  if (lie == "cancelled-unasked") return Say(FailedMessage{run.run, Failure::kCancelled});
  if (lie == "unknown-failure") {
    base::Bytes failed = Encode(FromWorker(FailedMessage{run.run, Failure::kRun}));
    failed.back() = 200;
    SendPacket(kWorkerSocket, failed, -1, 0);
    return;
  }
  if (lie == "descriptor") {
    SendPacket(kWorkerSocket, Encode(FromWorker(ran)), 0, 0);
    return;
  }
  if (lie == "flood") {
    for (int i = 0; i < 100'000; ++i) {
      if (!SendPacket(kWorkerSocket, Encode(FromWorker(ran)), -1, 0)) _exit(0);
    }
  }
  Say(ran);
}

// Keeps the input of each run and gives it away as the answer to the next: in its memory, in the region of outputs, and
// in the model's file if it can.
class Stash {
 public:
  void Remember(int model_file, std::uint64_t bytes) {
    model_file_ = fcntl(model_file, F_DUPFD, 0);
    model_bytes_ = bytes;
  }
  void Map(const RegionMessage& region, int descriptor) {
    Mapping& mapping = region.use == RegionUse::kInputs ? inputs_ : outputs_;
    mapping = Mapping::Map(descriptor, region.bytes, region.use == RegionUse::kOutputs).value();
  }
  void AnswerRun(const RunMessage& run) {
    const PlacedTensor& input = run.inputs[0];
    base::Bytes kept(input.bytes);
    Find(kept);
    const auto now = inputs_.view().subspan(input.offset, input.bytes);
    kept_.assign(now.begin(), now.end());
    // Behind the answer, where the server has no reason to look.
    std::ranges::copy(now, outputs_.writable().last(now.size()).begin());
    static_cast<void>(pwrite(model_file_, now.data(), now.size(), 0) > 0);
    static_cast<void>(pwrite(model_file_, now.data(), now.size(), static_cast<off_t>(model_bytes_)) > 0);
    std::ranges::copy(kept, outputs_.writable().begin());
    Say(RanMessage{run.run, 1, {{0, input.shape, 0, input.bytes}}});
  }

 private:
  void Find(base::Bytes& kept) const {
    if (!kept_.empty()) return static_cast<void>(kept = kept_);
    const auto behind = outputs_.view().last(kept.size());
    if (std::ranges::any_of(behind, [](std::uint8_t byte) { return byte != 0; })) {
      return kept.assign(behind.begin(), behind.end());
    }
    static_cast<void>(pread(model_file_, kept.data(), kept.size(), static_cast<off_t>(model_bytes_)) > 0);
  }

  int model_file_ = -1;
  std::uint64_t model_bytes_ = 0;
  Mapping inputs_;
  Mapping outputs_;
  base::Bytes kept_;
};

// Gives inputs back as outputs, and in each row's last element how many rows there were. "rows" does no more,
// "rows-wait" answers each run after it was continued (SIGCONT), and others do what they say when there is more than
// one row.
class RowsWorker {
 public:
  void Map(const RegionMessage& region, int descriptor) {
    Mapping& mapping = region.use == RegionUse::kInputs ? inputs_ : outputs_;
    mapping = Mapping::Map(descriptor, region.bytes, region.use == RegionUse::kOutputs).value();
  }
  static void WaitUntilContinued() {
    sigset_t wanted;  // blocked, as all signals are in a worker
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGCONT);
    int seen = 0;
    sigwait(&wanted, &seen);
  }
  void AnswerRun(const std::string& lie, const RunMessage& run) {
    PlacedTensor output = run.inputs[0];
    const auto rows = static_cast<std::size_t>(output.shape[0]);
    if (rows > 1 && lie == "rows-end") _exit(0);
    if (lie == "rows-wait") WaitUntilContinued();
    if (rows > 1 && lie == "rows-fail") return Say(FailedMessage{run.run, Failure::kRun});
    std::ranges::copy(inputs_.view().subspan(output.offset, output.bytes), outputs_.writable().begin());
    const auto said = static_cast<float>(rows);
    for (std::size_t row = 1; row <= rows; ++row) {
      std::memcpy(outputs_.writable().data() + row * (output.bytes / rows) - sizeof said, &said, sizeof said);
    }
    output.offset = 0;
    if (rows > 1 && lie == "rows-lost") {
      output.bytes -= output.bytes / rows;
      --output.shape[0];
    }
    Say(RanMessage{run.run, 1, {output}});
  }

 private:
  Mapping inputs_;
  Mapping outputs_;
};

int Main() {
  std::string lie;
  Stash stash;
  RowsWorker rows;
  while (true) {
    const auto packet = ReceivePacket(kWorkerSocket, 0);
    if (!packet.ok() || packet->state != ReceivedPacket::State::kPacket) _exit(0);
    const auto message = DecodeToWorker(packet->bytes);
    if (!message.ok()) _exit(1);
    if (std::holds_alternative<StartMessage>(*message)) Say(CagedMessage{});
    if (const auto* load = std::get_if<LoadMessage>(&*message)) {
      const auto file = Mapping::Map(packet->descriptor.get(), load->model_bytes, false);
      lie = base::AsText(file->view());
      stash.Remember(packet->descriptor.get(), load->model_bytes);
      AnswerLoad(lie, load->measure_rows);
    }
    if (const auto* region = std::get_if<RegionMessage>(&*message)) {
      // The server must not fault when the region that it reads is cut short.
      if (lie == "shrink") static_cast<void>(ftruncate(packet->descriptor.get(), 0) == 0);
      if (lie == "stash") stash.Map(*region, packet->descriptor.get());
      if (lie.starts_with("rows")) rows.Map(*region, packet->descriptor.get());
    }
    if (const auto* run = std::get_if<RunMessage>(&*message)) {
      if (lie == "stash") {
        stash.AnswerRun(*run);
      } else if (lie.starts_with("rows")) {
        rows.AnswerRun(lie, *run);
      } else {
        AnswerRun(lie, *run);
      }
    }
  }
}

}  // namespace
}  // namespace blindai::tests

int main() { return blindai::tests::Main(); }
