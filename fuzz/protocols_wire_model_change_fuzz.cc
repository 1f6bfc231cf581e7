// rooms: base vocabulary protocols/wire
// The law: what decodes, encodes to something that decodes to the same value; and a policy that keeps versions keeps
// the same ones when it is asked about them again.
#include "base/check.h"
#include "protocols/wire/model_listing.h"
#include "vocabulary/version_policy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blindai;
  const base::ByteView bytes(data, size);
  if (const auto change = wire::DecodeModelChange(bytes); change.ok()) {
    const auto again = wire::DecodeModelChange(base::AsBytes(wire::EncodeModelChange(*change)));
    BLINDAI_CHECK(again.ok() && again->versions == change->versions && again->labels == change->labels);
  }
  if (const auto policy = vocabulary::VersionPolicy::Parse(base::AsText(bytes)); policy.ok()) {
    const auto again = vocabulary::VersionPolicy::Parse(policy->ToText());
    BLINDAI_CHECK(again.ok() && *again == *policy);
    std::vector<std::uint64_t> versions = {1, 2, 5, 9};
    const vocabulary::VersionLabels labels = {{"stable", 2}};
    const auto going = vocabulary::VersionsThatGo(*policy, labels, versions);
    for (const std::uint64_t number : going) {
      BLINDAI_CHECK(number != 2);
      std::erase(versions, number);
    }
    BLINDAI_CHECK(vocabulary::VersionsThatGo(*policy, labels, versions).empty());
  }
  return 0;
}
