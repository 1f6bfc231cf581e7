// rooms: base encoding
// Law: an element that was read, written again, has the same bytes, because DER allows one form only.
#include <algorithm>

#include "base/check.h"
#include "encoding/der.h"

namespace {

using blindai::encoding::DerReader;

void Walk(blindai::base::ByteView bytes) {
  DerReader reader(bytes);
  while (!reader.empty()) {
    DerReader numbers = reader;
    DerReader names = reader;
    const auto number = numbers.Unsigned("number");
    const auto name = names.Oid("name");
    const auto element = reader.Next("element");
    if (!element.ok()) return;
    const auto again = blindai::encoding::DerEncode(element->tag, element->content);
    BLINDAI_CHECK(std::equal(again.begin(), again.end(), element->whole.begin(), element->whole.end()));
    if (number.ok()) BLINDAI_CHECK(blindai::encoding::DerEncodeUnsigned(*number) == again);
    if (name.ok()) BLINDAI_CHECK(blindai::encoding::DerEncodeOid(*name) == again);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Walk({data, size});
  static_cast<void>(blindai::encoding::CheckDer({data, size}, "input"));
  return 0;
}
