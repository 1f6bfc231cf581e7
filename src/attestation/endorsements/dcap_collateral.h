// DCAP collateral: what Intel publishes about its platforms (PCS API version 4): TCB info (which patch levels
// a platform model has had and what each is worth), the identity of the quoting enclave, revocation lists,
// and the certificates that sign them. It usually comes from the very server that is judged; each part is
// signed.
//
// Reading trusts nothing. A signed statement keeps its text exactly as it was signed, and its values are read
// from that same text, never from a second copy. Whether the signature is Intel's and the dates fit is
// verifier/dcap.h's question.
//
// Forms that are read: Intel's own answers ({"tcbInfo":{…},"signature":"hex"}), PCCS answers, and the files
// of Fortanix's tools ({"raw_tcb_info":"…","signature":[DER bytes],"ca_chain":[PEM]}). Chains: PEM,
// URL-encoded PEM, DER certificates one after another. CRLs: DER, PEM, hex text.
//
// Errors: unsigned (there is no signature at all), malformed, bad-json, duplicate-key, missing-field,
// wrong-type.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attestation/endorsements/pck_certificate.h"
#include "attestation/evidence/measurement.h"
#include "attestation/evidence/tcb_status.h"
#include "attestation/evidence/tee_kind.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/certificate.h"
#include "crypto/crl.h"

namespace blindai::endorsements {

enum class StatementKind { kTcbInfo, kQeIdentity, kEvaluationNumbers };

struct SignedStatement {
  std::string text;                // the exact bytes that the signature covers: a JSON object
  base::FixedBytes<64> signature;  // ECDSA P-256 over SHA-256, r || s
};

base::Result<SignedStatement> ReadSignedStatement(StatementKind kind, base::ByteView bytes);
// Intel's wrapper around a statement and its signature that came apart (dcap-qvl keeps them in two fields).
base::Bytes JoinStatement(StatementKind kind, std::string_view text, std::string_view signature_hex);

// What every statement says about itself.
struct StatementDates {
  base::Time issued;
  base::Time next_update;
};

struct TcbLevel {
  std::array<std::uint16_t, 16> sgx_components{};
  std::uint16_t pce_svn = 0;
  std::array<std::uint16_t, 16> tdx_components{};  // zero for SGX
  base::Time tcb_date;
  evidence::TcbStatus status = evidence::TcbStatus::kRevoked;
  std::vector<std::string> advisories;
};

// A level of an enclave or a module, by its ISVSVN.
struct SvnLevel {
  std::uint16_t isv_svn = 0;
  base::Time tcb_date;
  evidence::TcbStatus status = evidence::TcbStatus::kRevoked;
  std::vector<std::string> advisories;
};

struct TdxModule {
  evidence::MrSignerSeam mrsigner;
  std::uint64_t attributes = 0;
  std::uint64_t attributes_mask = 0;
  std::vector<SvnLevel> levels;  // highest first
};

struct TcbInfo {
  evidence::TeeKind tee = evidence::TeeKind::kSgx;
  int version = 0;  // 2 (SGX only) or 3
  StatementDates dates;
  Fmspc fmspc;
  PceId pce_id;
  std::uint32_t evaluation_data_number = 0;
  std::vector<TcbLevel> levels;                      // highest first, whatever the order in the file
  std::optional<TdxModule> tdx_module;               // of modules whose major version is 0
  std::map<std::uint8_t, TdxModule> tdx_identities;  // "TDX_01" by 1
};
base::Result<TcbInfo> ParseTcbInfo(std::string_view text);

enum class EnclaveRole { kQe, kTdQe, kQve };

struct QeIdentity {
  EnclaveRole role = EnclaveRole::kQe;
  StatementDates dates;
  std::uint32_t evaluation_data_number = 0;
  std::uint32_t misc_select = 0;
  std::uint32_t misc_select_mask = 0;
  std::uint64_t flags = 0;
  std::uint64_t flags_mask = 0;
  std::uint64_t xfrm = 0;
  std::uint64_t xfrm_mask = 0;
  evidence::MrSigner mrsigner;
  std::uint16_t isv_prod_id = 0;
  std::vector<SvnLevel> levels;  // highest first
};
base::Result<QeIdentity> ParseQeIdentity(std::string_view text);

// Which sets of collateral Intel keeps for a kind of hardware.
struct EvaluationNumbers {
  evidence::TeeKind tee = evidence::TeeKind::kSgx;
  StatementDates dates;
  std::vector<std::uint32_t> numbers;
};
base::Result<EvaluationNumbers> ParseEvaluationNumbers(std::string_view text);

base::Result<std::vector<crypto::Certificate>> ReadIssuerChain(base::ByteView bytes);
base::Result<crypto::Crl> ReadCrl(base::ByteView bytes);

}  // namespace blindai::endorsements
