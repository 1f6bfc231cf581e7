// rooms: base vocabulary model
// Any bytes end in an answer, the same one whatever the chunks they come in; and what passes has a signature.
#include "model/inspect_onnx.h"

#include <algorithm>

#include "base/check.h"

namespace {

using blindai::base::ByteView;
using blindai::model::InspectOnnx;
using blindai::model::OnnxInspector;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The first byte chooses the chunks and whether branches are allowed.
  if (size == 0) return 0;
  const blindai::model::InspectLimits limits{.allow_control_flow = (data[0] & 1) != 0};
  const std::size_t chunk = 1 + (data[0] >> 1) % 64;
  ByteView file(data + 1, size - 1);
  const auto whole = InspectOnnx(file, limits);
  OnnxInspector inspector(limits);
  for (; !file.empty(); file = file.subspan(std::min(chunk, file.size()))) {
    if (!inspector.Feed(file.first(std::min(chunk, file.size()))).ok()) break;
  }
  const auto parts = inspector.Finish();
  BLINDAI_CHECK(whole.ok() == parts.ok());
  if (whole.ok()) {
    BLINDAI_CHECK(!whole->inputs.empty() && !whole->outputs.empty());
    BLINDAI_CHECK(whole->nodes == parts->nodes && whole->parameters == parts->parameters);
  } else {
    BLINDAI_CHECK(whole.error().code == parts.error().code && whole.error().message == parts.error().message);
  }
  return 0;
}
