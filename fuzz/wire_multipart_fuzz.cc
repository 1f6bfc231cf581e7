// rooms: base protocols/wire
// Law: how a multipart body is cut into pieces changes nothing.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "protocols/wire/multipart.h"

namespace {

std::string Read(blindai::base::ByteView body, std::size_t piece) {
  std::string seen;
  blindai::wire::PartHandler handler;
  handler.begin = [&](const blindai::wire::PartHead& head) {
    seen += "<" + head.name + ">";
    return blindai::base::Ok();
  };
  handler.data = [&](blindai::base::ByteView bytes) {
    seen += blindai::base::AsText(bytes);
    return blindai::base::Ok();
  };
  handler.end = [&] {
    seen += ";";
    return blindai::base::Ok();
  };
  auto reader = blindai::wire::MultipartReader::Make("multipart/form-data; boundary=X", handler);
  for (std::size_t at = 0; at < body.size(); at += piece) {
    const auto fed = reader->Feed(body.subspan(at, std::min(piece, body.size() - at)));
    // What has been handed on before an error depends on the pieces; that there is one does not.
    if (!fed.ok()) return "error " + fed.error().message;
  }
  const auto finished = reader->Finish();
  return finished.ok() ? seen : "error " + finished.error().message;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  const blindai::base::ByteView body(data + 1, size - 1);
  BLINDAI_CHECK(Read(body, body.size() + 1) == Read(body, std::size_t{1} + data[0]));
  return 0;
}
