#include "speech/decoder_loop.h"

#include <sys/mman.h>

#include <optional>
#include <utility>

#include "model/packet_socket.h"
#include "model/shared_region.h"
#include "speech/decode_audio.h"

namespace blindai::speech {
namespace {

class Desk {
 public:
  explicit Desk(int socket) : socket_(socket) {}

  int Serve() {
    while (true) {
      auto packet = model::ReceivePacket(socket_, 0);
      if (!packet.ok() || packet->state != model::ReceivedPacket::State::kPacket) return 0;
      const auto message = DecodeToDecoder(packet->bytes);
      if (!message.ok()) return 1;
      const std::optional<FromDecoder> answer =
          std::visit([&](const auto& content) { return Do(content, packet->descriptor); }, *message);
      if (!answer) continue;
      if (!model::SendPacket(socket_, Encode(*answer), -1, 0)) return 0;
      if (std::holds_alternative<RefusedMessage>(*answer)) return 0;
    }
  }

 private:
  std::optional<FromDecoder> Do(const RegionMessage&, const model::OwnedDescriptor& descriptor) {
    auto region = model::Mapping::Map(descriptor.get(), kRegionBytes, /*writable=*/true);
    if (!region.ok()) return RefusedMessage{DecodeRefusal::kMemory};
    region_ = std::move(*region);
    return std::nullopt;
  }

  std::optional<FromDecoder> Do(const FileMessage& file, const model::OwnedDescriptor& descriptor) {
    auto mapped = model::Mapping::Map(descriptor.get(), file.bytes, /*writable=*/false);
    if (!mapped.ok()) return RefusedMessage{DecodeRefusal::kMemory};
    file_ = std::move(*mapped);
    auto opened = AudioReader::Open(file_.view(), file.limits);
    if (const auto* refusal = std::get_if<DecodeRefusal>(&opened)) return RefusedMessage{*refusal};
    reader_ = std::move(std::get<std::unique_ptr<AudioReader>>(opened));
    return reader_->opened();
  }

  std::optional<FromDecoder> Do(const NextMessage&, const model::OwnedDescriptor&) {
    if (reader_ == nullptr || region_.size() != kRegionBytes) return RefusedMessage{DecodeRefusal::kInternal};
    auto* const samples = reinterpret_cast<float*>(region_.writable().data());
    const auto read = reader_->Read({samples, kPieceSamples}, {samples + kPieceSamples, kPieceSamples});
    // What was read of the file is forgotten here, so that a long one does not grow this process; it stays where it is.
    madvise(const_cast<std::uint8_t*>(file_.view().data()), file_.size(), MADV_DONTNEED);
    if (const auto* refusal = std::get_if<DecodeRefusal>(&read)) return RefusedMessage{*refusal};
    return std::get<SamplesMessage>(read);
  }

  const int socket_;
  model::Mapping region_;
  model::Mapping file_;
  std::unique_ptr<AudioReader> reader_;
};

}  // namespace

int ServeRecording(int socket) { return Desk(socket).Serve(); }

}  // namespace blindai::speech
