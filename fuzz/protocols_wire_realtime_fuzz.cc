// rooms: base protocols/wire
// Laws: settings that were read are written and read again as the same; what either side says is read in bounded
// memory.
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "base/check.h"
#include "protocols/wire/realtime.h"
#include "protocols/wire/realtime_events.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blindai;
  const base::ByteView text(data, size);
  const wire::ClientMessage message = wire::DecodeClientEvent(text, {});
  if (message.event.ok()) {
    if (const auto* update = std::get_if<wire::SessionUpdate>(&*message.event)) {
      const std::string written = wire::EncodeSessionUpdate(update->settings);
      const wire::ClientMessage again = wire::DecodeClientEvent(base::AsBytes(written), {});
      BLINDAI_CHECK(again.event.ok());
      const wire::RealtimeSettings& settings = std::get<wire::SessionUpdate>(*again.event).settings;
      BLINDAI_CHECK(wire::EncodeSessionUpdate(settings) == written);
    }
    if (const auto* append = std::get_if<wire::AppendAudio>(&*message.event)) {
      BLINDAI_CHECK(append->audio.size() <= size);
    }
  }
  const auto event = wire::DecodeServerEvent(text);
  if (event.ok() && std::holds_alternative<wire::ItemCompleted>(*event)) {
    BLINDAI_CHECK(std::get<wire::ItemCompleted>(*event).text.size() <= size);
  }
  return 0;
}
