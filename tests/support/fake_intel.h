// A private Intel: root, PCK CAs, TCB signing key, platforms and quoting enclaves with test keys, so that
// tests can make true signed quotes and collateral, bend one thing, and watch the verifier refuse. No
// production anchor vouches for any of it.
//
//   tests::FakeIntel intel;
//   auto quote = intel.Quote(tests::FakeIntel::Tdx());
//   auto collateral = intel.Collateral(evidence::TeeKind::kTdx);
#pragma once

#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "attestation/endorsements/endorsements.h"
#include "attestation/evidence/sgx_report.h"
#include "attestation/evidence/tdx_report.h"
#include "attestation/evidence/tee_kind.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "crypto/certificate.h"
#include "crypto/certificate_builder.h"
#include "crypto/crl.h"
#include "crypto/signing_key.h"

namespace blindai::tests {

// The bytes of reports, the inverse of their parsers.
base::Bytes EncodeSgxReport(const evidence::SgxReport& report);
base::Bytes EncodeTdReport(const evidence::TdReport& report);

struct FakeAuthority {
  crypto::SigningKey key;
  crypto::Certificate certificate;
};

// What a quote is made of; bend any of it before it is signed.
struct FakeQuoteParts {
  std::uint16_t version = 4;
  evidence::TeeKind tee = evidence::TeeKind::kTdx;
  std::variant<evidence::SgxReport, evidence::TdReport> body;
  evidence::SgxReport qe_report;  // report_data is filled in unless it is set
  base::Bytes qe_authentication_data = base::Bytes(32, 0xa5);
  bool with_certificates = true;  // certification type 5; otherwise type 1, which names the platform only
  base::Bytes trailing;
};

// A TCB level as JSON wants it.
struct FakeTcbLevel {
  std::array<int, 16> sgx{};
  int pce_svn = 11;
  std::array<int, 16> tdx{};
  std::string status = "UpToDate";
  std::vector<std::string> advisories;
  std::string date = "2026-01-01T00:00:00Z";
};
struct FakeSvnLevel {
  int isv_svn = 0;
  std::string status = "UpToDate";
  std::vector<std::string> advisories;
};

class FakeIntel {
 public:
  enum class Ca { kPlatform, kProcessor };

  // Everything is valid from kStart to kEnd.
  static base::Time Start();
  static base::Time Now();
  static base::Time End();

  explicit FakeIntel(Ca ca = Ca::kPlatform);

  // Reports that a strict policy accepts: measurements 0x11…, nothing else set.
  static FakeQuoteParts Sgx();
  static FakeQuoteParts Tdx(std::uint16_t version = 4, bool td15 = false);

  base::Bytes Quote(const FakeQuoteParts& parts) const;
  endorsements::Endorsements Collateral(evidence::TeeKind tee) const;

  // Collateral is made from these; change them before calling Collateral.
  std::vector<FakeTcbLevel> levels;
  std::vector<FakeSvnLevel> qe_levels = {{8, "UpToDate", {}}};
  std::map<std::string, std::vector<FakeSvnLevel>> modules = {
      {"TDX_01", {{5, "UpToDate", {}}, {3, "OutOfDate", {}}}}};
  std::string fmspc = "00a06d080000";
  std::string pce_id = "0000";
  std::string tcb_info_id;  // empty: by the kind
  std::string qe_id;        // empty: by the kind
  int evaluation_data_number = 18;
  std::string issued = "2026-05-01T00:00:00Z";
  std::string next_update = "2026-07-01T00:00:00Z";
  std::string module_attributes = "0000000000000000";
  std::vector<base::Bytes> revoked_by_root;
  std::vector<base::Bytes> revoked_by_pck_ca;
  // Endorsements to leave out or to replace, by name.
  std::map<std::string_view, base::Bytes> replaced;
  std::vector<std::string_view> left_out;

  FakeAuthority root;
  FakeAuthority pck_ca;
  FakeAuthority other_pck_ca;  // of the other kind
  FakeAuthority tcb_signer;
  FakeAuthority pck;
  crypto::SigningKey attestation_key;

  std::string TcbInfoText(evidence::TeeKind tee) const;
  std::string QeIdentityText(evidence::TeeKind tee) const;
  base::Bytes Sign(std::string_view member, const std::string& text, const crypto::SigningKey& key) const;
  base::Bytes Chain(const std::vector<crypto::Certificate>& certificates) const;
  crypto::Crl List(const FakeAuthority& issuer, const std::vector<base::Bytes>& serials) const;
  // A PCK certificate's extension with these component SVNs.
  static base::Bytes PckExtension(int component_svn, int pce_svn, std::string_view fmspc_hex,
                                  bool platform_ca);
};

}  // namespace blindai::tests
