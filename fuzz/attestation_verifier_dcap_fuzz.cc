// rooms: base encoding crypto attestation/evidence attestation/endorsements attestation/policy attestation/verifier
// The whole path with its clock: a quote and its collateral from bytes to verdict. Nothing that a fuzzer writes is
// signed by Intel, so nothing is ever trusted. Input: four bytes of time, then parts of two bytes of size each.
#include "attestation/verifier/appraise.h"
#include "base/byte_reader.h"
#include "base/check.h"

namespace {

using namespace blindai;

// The next part; empty where the input ends.
base::ByteView NextPart(base::ByteReader& reader) {
  const auto size = reader.U16("size");
  if (!size.ok()) return {};
  const auto part = reader.Take("part", std::min<std::size_t>(*size, reader.remaining()));
  return part.ok() ? *part : base::ByteView();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace name = endorsements::name;
  base::ByteReader reader({data, size});
  const auto seconds = reader.U32("time");
  if (!seconds.ok()) return 0;
  evidence::EvidenceBundle bundle;
  bundle.evidence = base::CopyBytes(NextPart(reader));
  for (const std::string_view part : {name::kTcbInfo, name::kTcbChain, name::kQeIdentity, name::kQeChain,
                                      name::kPckChain, name::kPckCrl, name::kRootCrl, name::kCrlChain}) {
    const base::ByteView bytes = NextPart(reader);
    if (!bytes.empty()) bundle.endorsements.push_back({std::string(part), base::CopyBytes(bytes)});
  }
  const policy::Policy policy{{{policy::SgxRules{}, "", 0}, {policy::TdxRules{}, "", 0}}};
  verifier::Question question;
  question.policy = &policy;
  question.now = base::Time(std::chrono::seconds(*seconds));
  for (const evidence::TeeKind tee : {evidence::TeeKind::kSgx, evidence::TeeKind::kTdx}) {
    bundle.tee = tee;
    const verifier::Verdict verdict =
        verifier::JudgeBundle(bundle, verifier::TrustAnchors::Production(), question);
    BLINDAI_CHECK(!verdict.trusted());
    verifier::RenderText(verdict);
    verifier::RenderJson(verdict);
  }
  return 0;
}
