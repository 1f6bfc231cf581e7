// rooms: base protocols/wire
// Laws: an upload that is cut into pieces decodes to the same model, or the same refusal, as in one piece; every view
// of a run request lies in its body; and nothing crashes on the way.
#include <algorithm>

#include "base/check.h"
#include "protocols/wire/blindai_v06.h"

namespace {

using blindai::base::Bytes;
using blindai::base::ByteView;
namespace v06 = blindai::wire::v06;

struct Received {
  Bytes model;
  std::string code = "ok";
  bool operator==(const Received&) const = default;
};

Received Decode(ByteView body, std::size_t piece) {
  Received received;
  v06::UploadDecoder decoder({[](std::optional<std::uint64_t>) { return blindai::base::Ok(); },
                              [&](ByteView bytes) {
                                received.model.insert(received.model.end(), bytes.begin(), bytes.end());
                                return blindai::base::Ok();
                              }});
  while (!body.empty()) {
    const ByteView chunk = body.first(std::min(piece, body.size()));
    body = body.subspan(chunk.size());
    const auto fed = decoder.Feed(chunk);
    if (!fed.ok()) {
      // How much of a broken model was handed on before the refusal depends on the pieces.
      return {{}, fed.error().code};
    }
  }
  const auto whole = decoder.Finish();
  if (!whole.ok()) return {{}, whole.error().code};
  return received;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView body(data, size);
  const Received whole = Decode(body, std::max<std::size_t>(size, 1));
  // Single bytes only of what is short: they cost the square of a field's size.
  for (const std::size_t piece : {size < 64 ? 1 : 40, size < 64 ? 3 : 64})
    BLINDAI_CHECK(Decode(body, piece) == whole);

  const auto request = v06::DecodeRunRequest(body);
  if (request.ok()) {
    for (const auto& input : request->inputs) {
      BLINDAI_CHECK(input.data.empty() ||
                    (input.data.data() >= data && input.data.data() + input.data.size() <= data + size));
    }
  }
  (void)v06::DecodeDeleteRequest(body);
  return 0;
}
