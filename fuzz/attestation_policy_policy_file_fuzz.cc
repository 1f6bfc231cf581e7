// rooms: base attestation/policy
// Whatever a file holds, it is a policy or an error that says where; a policy accepts something.
#include "attestation/policy/policy_file.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blindai;
  const auto policy = policy::ParsePolicy(base::AsText({data, size}));
  if (policy.ok()) {
    BLINDAI_CHECK(!policy->accept.empty());
  } else {
    BLINDAI_CHECK(policy.error().message.find(':') != std::string::npos);
  }
  return 0;
}
