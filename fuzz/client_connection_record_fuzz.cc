// rooms: base client
// The laws: what decodes, encodes to something that decodes to the same text, and judging it never ends badly.
#include "base/check.h"
#include "client/connection_record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blindai;
  const auto record = client::DecodeRecord(base::AsText({data, size}));
  if (!record.ok()) return 0;
  const auto again = client::DecodeRecord(client::EncodeRecord(*record));
  BLINDAI_CHECK(again.ok() && client::EncodeRecord(*again) == client::EncodeRecord(*record));
  channel::ClientDemand demand;
  demand.now = record->verified_at;
  const auto verdict = client::Judge(*record, demand);
  BLINDAI_CHECK(!verdict.ok() || !verdict->trusted());
  return 0;
}
