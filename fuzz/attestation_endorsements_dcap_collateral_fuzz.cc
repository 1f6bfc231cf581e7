// rooms: base encoding crypto attestation/evidence attestation/endorsements
// Whatever form collateral comes in, levels end up highest first and a joined statement is the same statement.
#include <algorithm>

#include "attestation/endorsements/dcap_collateral.h"
#include "base/check.h"
#include "encoding/hex.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blindai;
  using endorsements::StatementKind;
  const base::ByteView input(data, size);
  static_cast<void>(endorsements::ReadIssuerChain(input));
  static_cast<void>(endorsements::ReadCrl(input));
  static_cast<void>(endorsements::ParseEvaluationNumbers(base::AsText(input)));
  for (const StatementKind kind : {StatementKind::kTcbInfo, StatementKind::kQeIdentity}) {
    const auto statement = endorsements::ReadSignedStatement(kind, input);
    if (!statement.ok()) continue;
    const auto joined =
        endorsements::JoinStatement(kind, statement->text, encoding::HexEncode(statement->signature.view()));
    const auto again = endorsements::ReadSignedStatement(kind, joined);
    // A text with white space around it, from a JSON string, is joined without it; its signature then fails.
    if (again.ok()) BLINDAI_CHECK(again->signature == statement->signature);
  }
  if (const auto info = endorsements::ParseTcbInfo(base::AsText(input)); info.ok()) {
    BLINDAI_CHECK(std::is_sorted(
        info->levels.begin(), info->levels.end(),
        [](const auto& left, const auto& right) { return left.sgx_components > right.sgx_components; }));
  }
  if (const auto identity = endorsements::ParseQeIdentity(base::AsText(input)); identity.ok()) {
    BLINDAI_CHECK(
        std::is_sorted(identity->levels.begin(), identity->levels.end(),
                       [](const auto& left, const auto& right) { return left.isv_svn > right.isv_svn; }));
  }
  return 0;
}
