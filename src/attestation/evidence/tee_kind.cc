#include "attestation/evidence/tee_kind.h"

#include <array>
#include <utility>

#include "base/check.h"

namespace blindai::evidence {
namespace {

constexpr std::array<std::pair<TeeKind, std::string_view>, 6> kNames{{{TeeKind::kSimulated, "simulated"},
                                                                      {TeeKind::kSgx, "sgx"},
                                                                      {TeeKind::kTdx, "tdx"},
                                                                      {TeeKind::kSnp, "snp"},
                                                                      {TeeKind::kTpm, "tpm"},
                                                                      {TeeKind::kNitro, "nitro"}}};

}  // namespace

std::string_view TeeName(TeeKind kind) {
  for (const auto& [known, name] : kNames) {
    if (known == kind) return name;
  }
  BLINDAI_CHECK(false);
}

std::optional<TeeKind> TeeFromName(std::string_view name) {
  for (const auto& [kind, known] : kNames) {
    if (known == name) return kind;
  }
  return std::nullopt;
}

}  // namespace blindai::evidence
