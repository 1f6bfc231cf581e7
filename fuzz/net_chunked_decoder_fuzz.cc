// rooms: base encoding crypto net
// The law: a chunked body gives the same bytes, or the same refusal, however it is cut into reads.
#include <algorithm>
#include <string>

#include "base/check.h"
#include "net/chunked_decoder.h"

namespace {

using namespace blindai;

struct Outcome {
  std::string body;
  bool refused = false;
  bool done = false;
};

Outcome Decode(base::ByteView input, std::size_t step, std::size_t room) {
  net::ChunkedDecoder decoder("http-request");
  Outcome outcome;
  base::Bytes pending;
  base::Bytes space(room);
  while (true) {
    const auto progress = decoder.Decode(pending, space);
    if (!progress.ok()) {
      outcome.refused = true;
      return outcome;
    }
    pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(progress->consumed));
    outcome.body.append(base::AsText(base::ByteView(space).first(progress->produced)));
    outcome.done = progress->done;
    if (progress->done) return outcome;
    if (progress->produced > 0) continue;
    if (input.empty()) return outcome;
    const base::ByteView next = input.first(std::min(step, input.size()));
    pending.insert(pending.end(), next.begin(), next.end());
    input = input.subspan(next.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 4096) return 0;
  const base::ByteView input(data + 2, size - 2);
  const Outcome whole = Decode(input, input.size() + 1, 64 * 1024);
  const Outcome cut = Decode(input, data[0] % 16 + 1u, data[1] % 16 + 1u);
  BLINDAI_CHECK(whole.done == cut.done && whole.refused == cut.refused);
  if (whole.done) BLINDAI_CHECK(whole.body == cut.body);
  return 0;
}
