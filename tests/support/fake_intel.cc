#include "support/fake_intel.h"

#include <algorithm>

#include "attestation/endorsements/pck_certificate.h"
#include "attestation/evidence/dcap_quote.h"
#include "base/byte_writer.h"
#include "base/check.h"
#include "crypto/digest.h"
#include "encoding/der.h"
#include "encoding/hex.h"

namespace blindai::tests {

namespace {

using base::Bytes;
using base::ByteWriter;
using encoding::DerEncode;
using evidence::TeeKind;

constexpr std::string_view kRootName = "Intel SGX Root CA";
constexpr std::string_view kPlatformCaName = "Intel SGX PCK Platform CA";
constexpr std::string_view kProcessorCaName = "Intel SGX PCK Processor CA";
constexpr int kComponentSvn = 7;
constexpr int kPceSvn = 13;

crypto::CertificateSpec Spec(std::string_view name, bool is_ca) {
  crypto::CertificateSpec spec;
  spec.common_name = name;
  spec.organization = "Fake Intel for tests";
  spec.not_before = FakeIntel::Start();
  spec.not_after = FakeIntel::End();
  spec.is_ca = is_ca;
  return spec;
}

FakeAuthority MakeRoot() {
  crypto::SigningKey key = crypto::SigningKey::GenerateP256();
  auto certificate = crypto::MakeSelfSigned(Spec(kRootName, true), key).value();
  return {std::move(key), std::move(certificate)};
}

FakeAuthority Issue(const FakeAuthority& issuer, const crypto::CertificateSpec& spec) {
  crypto::SigningKey key = crypto::SigningKey::GenerateP256();
  auto certificate = crypto::MakeSigned(spec, key.public_key(), issuer.certificate, issuer.key).value();
  return {std::move(key), std::move(certificate)};
}

FakeAuthority IssuePck(const FakeAuthority& issuer, std::string_view fmspc, bool platform_ca) {
  crypto::CertificateSpec spec = Spec("Intel SGX PCK Certificate", false);
  spec.extensions = {{std::string(endorsements::kSgxExtensionOid),
                      FakeIntel::PckExtension(kComponentSvn, kPceSvn, fmspc, platform_ca), false}};
  return Issue(issuer, spec);
}

std::string Quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string Advisories(const std::vector<std::string>& ids) {
  std::string list;
  for (const std::string& id : ids) list += (list.empty() ? "" : ",") + Quoted(id);
  return "[" + list + "]";
}

std::string Components(const std::array<int, 16>& svns) {
  std::string list;
  for (const int svn : svns) list += (list.empty() ? "" : ",") + ("{\"svn\":" + std::to_string(svn) + "}");
  return "[" + list + "]";
}

std::string SvnLevels(const std::vector<FakeSvnLevel>& levels) {
  std::string list;
  for (const FakeSvnLevel& level : levels) {
    list += (list.empty() ? "" : ",") +
            ("{\"tcb\":{\"isvsvn\":" + std::to_string(level.isv_svn) +
             "},\"tcbDate\":\"2026-01-01T00:00:00Z\",\"tcbStatus\":" + Quoted(level.status) +
             ",\"advisoryIDs\":" + Advisories(level.advisories) + "}");
  }
  return "[" + list + "]";
}

Bytes Join(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Bytes Field(std::string_view oid, const Bytes& value) {
  return DerEncode(encoding::kDerSequence, Join({encoding::DerEncodeOid(oid), value}));
}

}  // namespace

Bytes EncodeSgxReport(const evidence::SgxReport& report) {
  ByteWriter writer;
  writer.Append(report.cpu_svn).U32(report.misc_select).Zeros(12).Append(report.extended_product_id.view());
  writer.U64(report.attributes_flags).U64(report.attributes_xfrm).Append(report.mrenclave.view()).Zeros(32);
  writer.Append(report.mrsigner.view()).Zeros(32).Append(report.config_id.view()).U16(report.isv_prod_id);
  writer.U16(report.isv_svn).U16(report.config_svn).Zeros(42).Append(report.family_id.view());
  writer.Append(report.report_data.view());
  return std::move(writer).Take();
}

Bytes EncodeTdReport(const evidence::TdReport& report) {
  ByteWriter writer;
  writer.Append(report.tee_tcb_svn).Append(report.mrseam.view()).Append(report.mrsignerseam.view());
  writer.U64(report.seam_attributes).U64(report.td_attributes).U64(report.xfam).Append(report.mrtd.view());
  writer.Append(report.mr_config_id.view())
      .Append(report.mr_owner.view())
      .Append(report.mr_owner_config.view());
  for (const evidence::Rtmr& rtmr : report.rtmr) writer.Append(rtmr.view());
  writer.Append(report.report_data.view());
  if (report.tee_tcb_svn2) writer.Append(*report.tee_tcb_svn2).Append(report.mr_service_td->view());
  return std::move(writer).Take();
}

base::Time FakeIntel::Start() { return *base::ParseTime("2026-01-01"); }
base::Time FakeIntel::Now() { return *base::ParseTime("2026-06-01"); }
base::Time FakeIntel::End() { return *base::ParseTime("2027-01-01"); }

FakeIntel::FakeIntel(Ca ca)
    : root(MakeRoot()),
      pck_ca(Issue(root, Spec(ca == Ca::kPlatform ? kPlatformCaName : kProcessorCaName, true))),
      other_pck_ca(Issue(root, Spec(ca == Ca::kPlatform ? kProcessorCaName : kPlatformCaName, true))),
      tcb_signer(Issue(root, Spec("Intel SGX TCB Signing", false))),
      pck(IssuePck(pck_ca, fmspc, ca == Ca::kPlatform)),
      attestation_key(crypto::SigningKey::GenerateP256()) {
  FakeTcbLevel level;
  level.sgx.fill(kComponentSvn);
  level.pce_svn = kPceSvn;
  level.tdx = {3, 0, 6};
  levels = {level};
}

FakeQuoteParts FakeIntel::Sgx() {
  FakeQuoteParts parts;
  parts.version = 3;
  parts.tee = TeeKind::kSgx;
  evidence::SgxReport report;
  report.attributes_flags = evidence::kSgxInit | evidence::kSgxMode64;
  report.attributes_xfrm = 0xe7;
  report.mrenclave.bytes.fill(0x11);
  report.mrsigner.bytes.fill(0x22);
  report.isv_prod_id = 1;
  report.isv_svn = 2;
  report.report_data.bytes.fill(0x33);
  parts.body = report;
  parts.qe_report.attributes_flags = 0x15;
  parts.qe_report.attributes_xfrm = 0xe7;
  parts.qe_report.mrsigner.bytes.fill(0x8c);
  parts.qe_report.isv_prod_id = 1;
  parts.qe_report.isv_svn = 8;
  return parts;
}

FakeQuoteParts FakeIntel::Tdx(std::uint16_t version, bool td15) {
  FakeQuoteParts parts = Sgx();
  parts.version = version;
  parts.tee = TeeKind::kTdx;
  parts.qe_report.isv_prod_id = 2;
  evidence::TdReport report;
  report.tee_tcb_svn = {5, 1, 6};
  report.td_attributes = evidence::kTdSeptVeDisable;
  report.xfam = 0xe7;
  report.mrtd.bytes.fill(0x11);
  for (evidence::Rtmr& rtmr : report.rtmr) rtmr.bytes.fill(0x12);
  report.report_data.bytes.fill(0x33);
  if (td15) {
    report.tee_tcb_svn2 = report.tee_tcb_svn;
    report.mr_service_td.emplace();
  }
  parts.body = report;
  return parts;
}

Bytes FakeIntel::Quote(const FakeQuoteParts& parts) const {
  const auto* td = std::get_if<evidence::TdReport>(&parts.body);
  const Bytes body =
      td != nullptr ? EncodeTdReport(*td) : EncodeSgxReport(std::get<evidence::SgxReport>(parts.body));
  ByteWriter header;
  header.U16(parts.version).U16(2).U32(parts.tee == TeeKind::kTdx ? 0x81 : 0).Zeros(4);
  header.Append(evidence::kIntelQeVendorId.view()).Zeros(20);
  if (parts.version == 5) {
    header.U16(td == nullptr ? 1 : td->tee_tcb_svn2 ? 3 : 2).U32(static_cast<std::uint32_t>(body.size()));
  }
  header.Append(body);
  const Bytes signed_bytes = std::move(header).Take();

  const Bytes point = attestation_key.public_key().EcPoint();
  evidence::SgxReport qe_report = parts.qe_report;
  if (qe_report.report_data.is_zero()) {
    const auto digest = crypto::Sha256(Join({point, parts.qe_authentication_data}));
    std::copy(digest.bytes.begin(), digest.bytes.end(), qe_report.report_data.bytes.begin());
  }
  const Bytes qe_report_bytes = EncodeSgxReport(qe_report);
  const Bytes certificates = Chain({pck.certificate, pck_ca.certificate, root.certificate});

  ByteWriter inner;
  inner.Append(qe_report_bytes);
  inner.Append(pck.key.SignEcdsaRaw(crypto::HashAlgorithm::kSha256, qe_report_bytes));
  inner.U16(static_cast<std::uint16_t>(parts.qe_authentication_data.size()))
      .Append(parts.qe_authentication_data);
  if (parts.with_certificates) {
    inner.U16(5).U32(static_cast<std::uint32_t>(certificates.size())).Append(certificates);
  } else {
    inner.U16(1).U32(16).Zeros(16);
  }
  ByteWriter data;
  data.Append(attestation_key.SignEcdsaRaw(crypto::HashAlgorithm::kSha256, signed_bytes)).Append(point);
  if (parts.version > 3) data.U16(6).U32(static_cast<std::uint32_t>(inner.size()));
  data.Append(inner.view());
  ByteWriter quote;
  quote.Append(signed_bytes)
      .U32(static_cast<std::uint32_t>(data.size()))
      .Append(data.view())
      .Append(parts.trailing);
  return std::move(quote).Take();
}

std::string FakeIntel::TcbInfoText(TeeKind tee) const {
  const bool tdx = tee == TeeKind::kTdx;
  std::string text = "{\"id\":" + Quoted(!tcb_info_id.empty() ? tcb_info_id : tdx ? "TDX" : "SGX");
  text += ",\"version\":3,\"issueDate\":" + Quoted(issued) + ",\"nextUpdate\":" + Quoted(next_update);
  text += ",\"fmspc\":" + Quoted(fmspc) + ",\"pceId\":" + Quoted(pce_id) + ",\"tcbType\":0";
  text += ",\"tcbEvaluationDataNumber\":" + std::to_string(evaluation_data_number);
  if (tdx) {
    const std::string identity = "\"mrsigner\":" + Quoted(std::string(96, '0')) +
                                 ",\"attributes\":" + Quoted(module_attributes) +
                                 ",\"attributesMask\":\"FFFFFFFFFFFFFFFF\"";
    text += ",\"tdxModule\":{" + identity + "}";
    std::string list;
    for (const auto& [id, module_levels] : modules) {
      list += (list.empty() ? "" : ",") +
              ("{\"id\":" + Quoted(id) + "," + identity + ",\"tcbLevels\":" + SvnLevels(module_levels) + "}");
    }
    if (!list.empty()) text += ",\"tdxModuleIdentities\":[" + list + "]";
  }
  std::string list;
  for (const FakeTcbLevel& level : levels) {
    list += (list.empty() ? "" : ",") + ("{\"tcb\":{\"sgxtcbcomponents\":" + Components(level.sgx));
    list += ",\"pcesvn\":" + std::to_string(level.pce_svn);
    if (tdx) list += ",\"tdxtcbcomponents\":" + Components(level.tdx);
    list += "},\"tcbDate\":" + Quoted(level.date) + ",\"tcbStatus\":" + Quoted(level.status);
    list += ",\"advisoryIDs\":" + Advisories(level.advisories) + "}";
  }
  return text + ",\"tcbLevels\":[" + list + "]}";
}

std::string FakeIntel::QeIdentityText(TeeKind tee) const {
  const bool tdx = tee == TeeKind::kTdx;
  std::string text = "{\"id\":" + Quoted(!qe_id.empty() ? qe_id : tdx ? "TD_QE" : "QE");
  text += ",\"version\":2,\"issueDate\":" + Quoted(issued) + ",\"nextUpdate\":" + Quoted(next_update);
  text += ",\"tcbEvaluationDataNumber\":" + std::to_string(evaluation_data_number);
  text += ",\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\"";
  text += ",\"attributes\":\"11000000000000000000000000000000\"";
  text += ",\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\"";
  text += ",\"mrsigner\":" + Quoted(encoding::HexEncode(Bytes(32, 0x8c)));
  text += ",\"isvprodid\":" + std::string(tdx ? "2" : "1");
  return text + ",\"tcbLevels\":" + SvnLevels(qe_levels) + "}";
}

Bytes FakeIntel::Sign(std::string_view member, const std::string& text, const crypto::SigningKey& key) const {
  const Bytes signature = key.SignEcdsaRaw(crypto::HashAlgorithm::kSha256, base::AsBytes(text));
  return base::CopyBytes(base::AsBytes("{" + Quoted(member) + ":" + text +
                                       ",\"signature\":" + Quoted(encoding::HexEncode(signature)) + "}"));
}

Bytes FakeIntel::Chain(const std::vector<crypto::Certificate>& certificates) const {
  std::string pem;
  for (const crypto::Certificate& certificate : certificates) pem += certificate.ToPem();
  pem += '\0';
  return base::CopyBytes(base::AsBytes(pem));
}

crypto::Crl FakeIntel::List(const FakeAuthority& issuer, const std::vector<Bytes>& serials) const {
  crypto::CrlSpec spec;
  spec.this_update = Start();
  spec.next_update = End();
  spec.revoked_serials = serials;
  return crypto::MakeCrl(spec, issuer.certificate, issuer.key).value();
}

endorsements::Endorsements FakeIntel::Collateral(TeeKind tee) const {
  namespace name = endorsements::name;
  const Bytes signer_chain = Chain({tcb_signer.certificate, root.certificate});
  std::map<std::string_view, Bytes> parts = {
      {name::kTcbInfo, Sign("tcbInfo", TcbInfoText(tee), tcb_signer.key)},
      {name::kTcbChain, signer_chain},
      {name::kQeIdentity, Sign("enclaveIdentity", QeIdentityText(tee), tcb_signer.key)},
      {name::kQeChain, signer_chain},
      {name::kPckCrl, List(pck_ca, revoked_by_pck_ca).der()},
      {name::kRootCrl, List(root, revoked_by_root).der()}};
  for (const auto& [which, bytes] : replaced) parts[which] = bytes;
  endorsements::Endorsements collateral;
  for (auto& [which, bytes] : parts) {
    if (std::find(left_out.begin(), left_out.end(), which) != left_out.end()) continue;
    BLINDAI_CHECK(collateral.Add(which, bytes).ok());
  }
  return collateral;
}

Bytes FakeIntel::PckExtension(int component_svn, int pce_svn, std::string_view fmspc_hex, bool platform_ca) {
  using encoding::DerEncodeUnsigned;
  using encoding::kDerBoolean;
  using encoding::kDerOctetString;
  using encoding::kDerSequence;
  const std::string oid(endorsements::kSgxExtensionOid);
  Bytes tcb;
  for (int i = 1; i <= 16; ++i) {
    tcb = Join({tcb, Field(oid + ".2." + std::to_string(i),
                           DerEncodeUnsigned(static_cast<unsigned>(component_svn)))});
  }
  tcb = Join({tcb, Field(oid + ".2.17", DerEncodeUnsigned(static_cast<unsigned>(pce_svn))),
              Field(oid + ".2.18", DerEncode(kDerOctetString, Bytes(16, 7)))});
  Bytes fields = Join({Field(oid + ".1", DerEncode(kDerOctetString, Bytes(16, 0xaa))),
                       Field(oid + ".2", DerEncode(kDerSequence, tcb)),
                       Field(oid + ".3", DerEncode(kDerOctetString, Bytes(2))),
                       Field(oid + ".4", DerEncode(kDerOctetString, *encoding::HexDecode(fmspc_hex))),
                       Field(oid + ".5", DerEncodeUnsigned(1, encoding::kDerEnumerated))});
  if (platform_ca) {
    fields = Join(
        {fields, Field(oid + ".6", DerEncode(kDerOctetString, Bytes(16, 0xbb))),
         Field(oid + ".7",
               DerEncode(kDerSequence, Join({Field(oid + ".7.1", DerEncode(kDerBoolean, Bytes{0xff})),
                                             Field(oid + ".7.2", DerEncode(kDerBoolean, Bytes{0xff})),
                                             Field(oid + ".7.3", DerEncode(kDerBoolean, Bytes{0x00}))})))});
  }
  return DerEncode(kDerSequence, fields);
}

}  // namespace blindai::tests
