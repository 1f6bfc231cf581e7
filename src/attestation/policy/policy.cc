#include "attestation/policy/policy.h"

namespace blindai::policy {
namespace {

using evidence::TeeKind;

TeeKind KindOfRules(const SgxRules&) { return TeeKind::kSgx; }
TeeKind KindOfRules(const TdxRules&) { return TeeKind::kTdx; }
TeeKind KindOfRules(const SnpRules&) { return TeeKind::kSnp; }
TeeKind KindOfRules(const TpmRules&) { return TeeKind::kTpm; }
TeeKind KindOfRules(const NitroRules&) { return TeeKind::kNitro; }

}  // namespace

TeeKind AcceptBlock::tee() const {
  return std::visit([](const auto& of_kind) { return KindOfRules(of_kind); }, rules);
}

}  // namespace blindai::policy
