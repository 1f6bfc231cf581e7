// rooms: base encoding
// Law: the slice of a member is a text of its own, and means what the member means in the whole.
#include "base/check.h"
#include "encoding/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blindai;
  const std::string_view text = base::AsText({data, size});
  const auto object = encoding::ParseJsonObject(text);
  if (!object.ok()) return 0;
  for (const auto& member : *object) {
    const std::string name(member.key());
    const auto slice = encoding::JsonMemberText(text, name);
    if (!slice.ok()) continue;  // the name is written with escapes
    const auto value = encoding::ParseJson(*slice);
    BLINDAI_CHECK(value.ok() && *value == member.value());
  }
  return 0;
}
