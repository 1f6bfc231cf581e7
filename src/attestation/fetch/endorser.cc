#include "attestation/fetch/endorser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "attestation/endorsements/certificate_list.h"
#include "attestation/endorsements/dcap_collateral.h"
#include "attestation/endorsements/endorsements.h"
#include "attestation/endorsements/pck_certificate.h"
#include "attestation/endorsements/snp_certificates.h"
#include "attestation/evidence/azure_hcl_report.h"
#include "attestation/evidence/dcap_quote.h"
#include "attestation/evidence/snp_report.h"
#include "encoding/hex.h"

namespace blindai::fetch {
namespace {

using base::Result;
using evidence::EvidenceBundle;
namespace name = endorsements::name;

base::Error ServiceError(std::string message, std::string retry_after = "") {
  return base::MakeError(base::ErrorKind::kUnavailable, "endorsement-service",
                         "key service: " + std::move(message), std::move(retry_after));
}

const base::Bytes* Find(const EvidenceBundle& bundle, std::string_view wanted) {
  const auto found = std::find_if(bundle.endorsements.begin(), bundle.endorsements.end(),
                                  [&](const evidence::NamedBytes& entry) { return entry.name == wanted; });
  return found == bundle.endorsements.end() ? nullptr : &found->bytes;
}

bool Has(const EvidenceBundle& bundle, std::string_view wanted) { return Find(bundle, wanted) != nullptr; }

void Add(EvidenceBundle& bundle, std::string_view added, base::Bytes bytes) {
  if (!bytes.empty() && !Has(bundle, added))
    bundle.endorsements.push_back({std::string(added), std::move(bytes)});
}

base::Bytes HeaderBytes(const net::HttpResponse& response, std::string_view header) {
  const std::optional<std::string_view> value = response.headers.Find(header);
  return value ? base::CopyBytes(base::AsBytes(*value)) : base::Bytes();
}

// How long a signed statement, a list or a chain is good, by its own words.
Result<base::Time> GoodUntil(std::string_view role, base::ByteView bytes) {
  if (role == name::kTcbInfo || role == name::kQeIdentity) {
    const bool is_tcb = role == name::kTcbInfo;
    BLINDAI_TRY(const auto statement,
                endorsements::ReadSignedStatement(
                    is_tcb ? endorsements::StatementKind::kTcbInfo : endorsements::StatementKind::kQeIdentity,
                    bytes));
    if (is_tcb) {
      BLINDAI_TRY(const auto info, endorsements::ParseTcbInfo(statement.text));
      return info.dates.next_update;
    }
    BLINDAI_TRY(const auto identity, endorsements::ParseQeIdentity(statement.text));
    return identity.dates.next_update;
  }
  if (role == name::kPckCrl || role == name::kRootCrl || role == name::kCrl) {
    BLINDAI_TRY(const auto list, endorsements::ReadCrl(bytes));
    return list.next_update();
  }
  BLINDAI_TRY(const auto chain, endorsements::ReadIssuerChain(bytes));
  if (chain.empty()) return ServiceError("a chain without certificates");
  base::Time good_until = chain.front().not_after();
  for (const crypto::Certificate& certificate : chain)
    good_until = std::min(good_until, certificate.not_after());
  return good_until;
}

// Genoa's keys serve Bergamo and Siena too, as their product says. A report of version 2 does not say which it is; the
// chip's certificate does, where the platform handed it out.
std::optional<evidence::SnpProduct> ProductOf(const evidence::SnpReport& report,
                                              const EvidenceBundle& bundle) {
  if (report.cpuid_family && report.cpuid_model)
    return evidence::SnpProductFromCpuid(*report.cpuid_family, *report.cpuid_model);
  const base::Bytes* bytes = Find(bundle, name::kLeaf);
  if (bytes == nullptr) return std::nullopt;
  const auto certificates = endorsements::ReadCertificates(*bytes);
  if (!certificates.ok()) return std::nullopt;
  const auto leaf = endorsements::ReadSnpLeaf(certificates->front());
  return leaf.ok() ? evidence::SnpProductFromName(leaf->product_name) : std::nullopt;
}

Result<std::string> VcekPath(const evidence::SnpReport& report, evidence::SnpProduct product) {
  const bool turin = product == evidence::SnpProduct::kTurin;
  BLINDAI_TRY(const evidence::SnpTcb tcb, report.reported_tcb.Decode(product));
  // Turin's chip id has 8 bytes, the others' 64.
  const std::string hw_id = encoding::HexEncode(report.chip_id.view().first(turin ? 8 : 64));
  return fmt::format("/vcek/v1/{}/{}?{}blSPL={:02}&teeSPL={:02}&snpSPL={:02}&ucodeSPL={:02}",
                     evidence::SnpProductName(product), hw_id,
                     turin ? fmt::format("fmcSPL={:02}&", tcb.fmc) : "", tcb.boot_loader, tcb.tee, tcb.snp,
                     tcb.microcode);
}

}  // namespace

Endorser::Endorser(EndorserOptions options, HttpsGet get, CachePolicy policy)
    : options_(std::move(options)), get_(std::move(get)), cache_(policy) {}

// What cannot be read came from the platform, a folder or a service, and is never the client's mistake.
Result<FetchTimes> Endorser::Complete(EvidenceBundle& bundle, base::Time now, Deadline deadline) {
  AddFiles(bundle);
  Result<FetchTimes> times = CompleteKind(bundle, now, deadline);
  if (!times.ok() && times.error().kind == base::ErrorKind::kInvalid)
    return ServiceError("what was given cannot be read: " + times.error().message);
  return times;
}

Result<FetchTimes> Endorser::CompleteKind(EvidenceBundle& bundle, base::Time now, Deadline deadline) {
  if (bundle.tee == evidence::TeeKind::kSgx || bundle.tee == evidence::TeeKind::kTdx)
    return CompleteDcap(bundle.evidence, bundle, now, deadline);
  if (bundle.tee == evidence::TeeKind::kSnp) return CompleteSnp(bundle.evidence, bundle, now, deadline);
  if (bundle.tee == evidence::TeeKind::kTpm) return CompleteAzure(bundle, now, deadline);
  return FetchTimes();
}

// A TPM without a hardware report needs nothing of what is fetched here.
Result<FetchTimes> Endorser::CompleteAzure(EvidenceBundle& bundle, base::Time now, Deadline deadline) {
  if (const base::Bytes* td_quote = Find(bundle, name::kTdQuote)) {
    const base::Bytes quote = *td_quote;
    return CompleteDcap(quote, bundle, now, deadline);
  }
  const base::Bytes* bytes = Find(bundle, name::kHardwareReport);
  if (bytes == nullptr) return FetchTimes();
  BLINDAI_TRY(const evidence::HclReport report, evidence::ParseHclReport(*bytes));
  if (report.hardware != evidence::HclHardware::kSnp) return FetchTimes();
  return CompleteSnp(report.hardware_report, bundle, now, deadline);
}

void Endorser::AddFiles(EvidenceBundle& bundle) const {
  if (options_.directory.empty()) return;
  constexpr std::array kNames = {name::kTcbInfo,  name::kTcbChain, name::kQeIdentity, name::kQeChain,
                                 name::kPckChain, name::kPckCrl,   name::kRootCrl,    name::kCrlChain,
                                 name::kLeaf,     name::kChain,    name::kCrl,        name::kAkChain};
  for (const std::string_view wanted : kNames) {
    if (Has(bundle, wanted)) continue;
    // Read anew each time: an operator replaces a file, and the next answer has it.
    std::ifstream file(options_.directory + "/" + std::string(wanted), std::ios::binary);
    if (!file) continue;
    base::Bytes bytes(endorsements::kMaxEndorsementBytes);
    file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(file.gcount()));
    Add(bundle, wanted, std::move(bytes));
  }
}

Result<net::HttpResponse> Endorser::Ask(const std::string& url, Deadline deadline) const {
  BLINDAI_TRY(net::HttpResponse response, get_(url, deadline));
  if (response.status != 200) {
    return ServiceError(fmt::format("answered {}", response.status),
                        std::string(response.headers.Find("Retry-After").value_or("")));
  }
  return response;
}

Result<FetchTimes> Endorser::CompleteDcap(base::ByteView quote_bytes, EvidenceBundle& bundle, base::Time now,
                                          Deadline deadline) {
  if (options_.dcap_service.empty()) return FetchTimes();
  BLINDAI_TRY(const evidence::DcapQuote quote, evidence::ParseDcapQuote(quote_bytes));
  BLINDAI_TRY(const auto pck_chain,
              endorsements::ReadIssuerChain(quote.certification_data).Within("the quote's PCK chain"));
  if (pck_chain.empty()) return ServiceError("the quote carries no PCK certificate");
  // The leaf is the one that nobody else here was signed by; it names its platform and its CA.
  const auto leaf =
      std::find_if(pck_chain.begin(), pck_chain.end(), [](const auto& c) { return !c.is_ca(); });
  if (leaf == pck_chain.end()) return ServiceError("the quote carries no PCK certificate");
  BLINDAI_TRY(const endorsements::PckExtension platform, endorsements::ReadPckExtension(*leaf));
  const bool platform_ca = leaf->issuer_common_name().find("Platform") != std::string::npos;
  const std::string& service = options_.dcap_service;
  const std::string tee = quote.tee == evidence::TeeKind::kTdx ? "tdx" : "sgx";

  struct Part {
    std::string_view role;
    std::string url;
    std::string_view chain_role;  // empty: comes without one
    std::string_view chain_header;
  };
  const std::string sgx = service + "/sgx/certification/v4";
  const Part parts[] = {
      {name::kTcbInfo,
       fmt::format("{}/{}/certification/v4/tcb?fmspc={}", service, tee,
                   encoding::HexEncode(platform.fmspc.view())),
       name::kTcbChain, "TCB-Info-Issuer-Chain"},
      {name::kQeIdentity, fmt::format("{}/{}/certification/v4/qe/identity", service, tee), name::kQeChain,
       "SGX-Enclave-Identity-Issuer-Chain"},
      {name::kPckCrl,
       fmt::format("{}/pckcrl?ca={}&encoding=der", sgx, platform_ca ? "platform" : "processor"),
       name::kCrlChain, "SGX-PCK-CRL-Issuer-Chain"},
      {name::kRootCrl, options_.dcap_root_crl.empty() ? sgx + "/rootcacrl" : options_.dcap_root_crl, "", ""},
  };
  FetchTimes times;
  for (const Part& part : parts) {
    if (Has(bundle, part.role)) continue;
    BLINDAI_TRY(const Cached cached, cache_.Get(part.url, now, [&]() -> Result<Fetched> {
      BLINDAI_TRY(const net::HttpResponse response, Ask(part.url, deadline));
      BLINDAI_TRY(const base::Time good_until, GoodUntil(part.role, response.body).Within(part.role));
      return Fetched{response.body, HeaderBytes(response, part.chain_header), good_until};
    }));
    Add(bundle, part.role, cached.fetched.bytes);
    if (!part.chain_role.empty()) Add(bundle, part.chain_role, cached.fetched.chain);
    times.emplace_back(part.role, cached.fetched_at);
  }
  return times;
}

Result<FetchTimes> Endorser::CompleteSnp(base::ByteView report_bytes, EvidenceBundle& bundle, base::Time now,
                                         Deadline deadline) {
  if (options_.snp_service.empty()) return FetchTimes();
  BLINDAI_TRY(const evidence::SnpReport report, evidence::ParseSnpReport(report_bytes));
  const std::optional<evidence::SnpProduct> known = ProductOf(report, bundle);
  if (!known) return ServiceError("the report does not name a product that the service knows");
  const std::string_view product = evidence::SnpProductName(*known);
  std::vector<std::pair<std::string_view, std::string>> parts;
  // A report signed by a cloud's key has its leaf from the cloud; AMD's service has none for it.
  if (report.signing_key == evidence::SnpSigningKey::kVcek) {
    BLINDAI_TRY(const std::string vcek, VcekPath(report, *known));
    parts.emplace_back(name::kLeaf, options_.snp_service + vcek);
    parts.emplace_back(name::kChain, fmt::format("{}/vcek/v1/{}/cert_chain", options_.snp_service, product));
  } else {
    parts.emplace_back(name::kChain, fmt::format("{}/vlek/v1/{}/cert_chain", options_.snp_service, product));
  }
  parts.emplace_back(name::kCrl, fmt::format("{}/vcek/v1/{}/crl", options_.snp_service, product));
  FetchTimes times;
  for (const auto& [role, url] : parts) {
    if (Has(bundle, role)) continue;
    BLINDAI_TRY(const Cached cached, cache_.Get(url, now, [&, role = role, &url = url]() -> Result<Fetched> {
      BLINDAI_TRY(const net::HttpResponse response, Ask(url, deadline));
      BLINDAI_TRY(const base::Time good_until, GoodUntil(role, response.body).Within(role));
      return Fetched{response.body, {}, good_until};
    }));
    Add(bundle, role, cached.fetched.bytes);
    times.emplace_back(role, cached.fetched_at);
  }
  return times;
}

}  // namespace blindai::fetch
