// A confidential virtual machine of Azure in miniature: a TPM whose paravisor answers report data with a report that
// the test's own AMD or Intel signs, and the host's two services. Each of them can fail in the ways that the real
// ones do.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "attestation/attester/azure.h"
#include "encoding/base64.h"
#include "encoding/hex.h"
#include "support/fake_azure.h"
#include "support/fake_td.h"

namespace blindai::tests {

struct AzureVmModel {
  AzureVmModel(const FakeTpm& its_tpm, const FakeAmd& its_amd) : tpm(its_tpm), amd(&its_amd) {}
  AzureVmModel(const FakeTpm& its_tpm, const FakeIntel& its_intel) : tpm(its_tpm), intel(&its_intel) {}

  const FakeTpm& tpm;
  const FakeAmd* amd = nullptr;  // one of the two
  const FakeIntel* intel = nullptr;
  HclSpec hcl;
  FakeQuoteParts td = FakeIntel::Tdx();
  const FakeTpm* named = nullptr;  // the report names this TPM's key instead

  // The TPM.
  std::set<std::uint32_t> missing;                // NV indices and handles that are not there
  std::map<std::uint32_t, std::size_t> nv_bytes;  // an NV index gives no more than this
  std::optional<base::Error> write_error;
  int old_reports = 0;  // reads after a write that still give the report before it
  int pcr_changes = 0;  // quotes that find a PCR changed since it was read
  base::Bytes certificate = base::Bytes(4096);

  // The host.
  std::vector<attester::HostAnswer> host_says;  // instead of the true answer, one a request
  std::optional<base::Error> host_error;

  // What was seen.
  std::vector<attester::HostRequest> asked;
  int quotes = 0;

  base::Bytes HclReport() const {
    const std::string runtime =
        HclRuntime((named == nullptr ? tpm : *named).ak(), hcl.secure_boot, encoding::HexEncode(reported_));
    if (amd != nullptr) {
      HclSpec spec = hcl;
      spec.runtime = runtime;
      return MakeHclReport(*amd, tpm.ak(), spec);
    }
    evidence::TdReport report = std::get<evidence::TdReport>(td.body);
    report.report_data = TdxReportData(runtime);
    return MakeHclReportOverTdx(MakeTdReportLocal(report), runtime);
  }

  void TakeReportData(base::ByteView content) {
    written_ = base::CopyBytes(content);
    old_left_ = old_reports;
  }
  void ReportIsRead() {
    if (!written_.empty() && old_left_-- <= 0) reported_ = written_;
  }

  attester::HostAnswer HostAnswers(const attester::HostRequest& request) {
    asked.push_back(request);
    if (!host_says.empty()) {
      attester::HostAnswer answer = host_says.front();
      host_says.erase(host_says.begin());
      return answer;
    }
    const auto json = [](const boost::json::object& object) {
      return attester::HostAnswer{200, base::CopyBytes(base::AsBytes(boost::json::serialize(object)))};
    };
    if (request.json.empty()) {
      if (request.url != "http://host/metadata/THIM/amd/certification" || amd == nullptr) return {404, {}};
      if (request.headers != decltype(request.headers){{"Metadata", "true"}}) return {400, {}};
      return json(
          {{"vcekCert", base::AsText(PemOf({amd->Vcek()}))},
           {"tcbm", "DB18000000000004"},
           {"certificateChain", base::AsText(PemOf({amd->ask().certificate, amd->ark().certificate}))},
           {"cacheControl", "86400"}});
    }
    if (request.url != "http://host/acc/tdquote" || intel == nullptr) return {404, {}};
    const auto question = boost::json::parse(request.json);
    const auto report = encoding::Base64UrlDecode(question.as_object().at("report").as_string());
    if (!report.ok()) return {400, {}};
    const auto quote = QuoteOverTdReport(*intel, td, *report);
    return quote ? json({{"quote", encoding::Base64UrlEncode(*quote)}}) : attester::HostAnswer{400, {}};
  }

 private:
  base::Bytes written_;
  base::Bytes reported_ = {0};
  int old_left_ = 0;
};

class FakeAzureTpm final : public attester::Tpm {
 public:
  explicit FakeAzureTpm(AzureVmModel& model) : model_(model) {}

  base::Result<base::Bytes> ReadNv(std::uint32_t index) override {
    if (model_.missing.contains(index)) return NotFound();
    base::Bytes content;
    if (index == attester::kAzureHclReportNv) {
      model_.ReportIsRead();
      content = model_.HclReport();
    } else if (index == attester::kAzureAkCertificateNv) {
      content = model_.certificate;
    } else {
      return NotFound();
    }
    if (const auto bytes = model_.nv_bytes.find(index); bytes != model_.nv_bytes.end())
      content.resize(std::min(content.size(), bytes->second));
    return content;
  }
  base::Status WriteNv(std::uint32_t index, base::ByteView content) override {
    if (model_.write_error) return *model_.write_error;
    if (index == attester::kAzureReportDataNv) model_.TakeReportData(content);
    return base::Ok();
  }
  base::Result<base::Bytes> UseAttestationKey(std::uint32_t handle) override {
    if (handle != attester::kAzureAttestationKey || model_.missing.contains(handle))
      return base::MakeError(base::ErrorKind::kUnavailable, "attester-unavailable", "TPM: no such key");
    return model_.tpm.PublicArea();
  }
  base::Result<std::vector<evidence::TpmPcrValue>> ReadPcrs(evidence::TpmAlgorithm bank,
                                                            std::uint32_t mask) override {
    std::vector<evidence::TpmPcrValue> values;
    for (const auto& pcr : TpmQuoteSpec().pcrs) {
      if (pcr.bank == bank && ((mask >> pcr.index) & 1) != 0) values.push_back(pcr);
    }
    return values;
  }
  base::Result<Quote> MakeQuote(base::ByteView nonce, evidence::TpmAlgorithm bank,
                                std::uint32_t mask) override {
    ++model_.quotes;
    TpmQuoteSpec spec;
    spec.nonce = base::CopyBytes(nonce);
    spec.selections = {{bank, mask}};
    if (model_.pcr_changes > 0) {
      --model_.pcr_changes;
      spec.Pcr(4).digest[0] ^= 1;
    }
    base::Bytes attest = model_.tpm.Attest(spec);
    base::Bytes signature = model_.tpm.Signature(spec, attest);
    return Quote{std::move(attest), std::move(signature)};
  }

 private:
  static base::Error NotFound() {
    return base::MakeError(base::ErrorKind::kNotFound, "not-found", "TPM: empty");
  }
  AzureVmModel& model_;
};

// Options for the model's host, and no event log of the machine that runs the test.
inline attester::AzureAttesterOptions AzureModelOptions() {
  attester::AzureAttesterOptions options;
  options.host = "http://host";
  options.event_log = "";
  return options;
}

inline base::Result<std::unique_ptr<attester::AzureAttester>> OpenAzureAttester(
    AzureVmModel& model, attester::AzureAttesterOptions options = AzureModelOptions()) {
  return attester::AzureAttester::Open(
      std::make_unique<FakeAzureTpm>(model),
      [&model](const attester::HostRequest& request,
               attester::Attester::Deadline) -> base::Result<attester::HostAnswer> {
        if (model.host_error) {
          model.asked.push_back(request);
          return *model.host_error;
        }
        return model.HostAnswers(request);
      },
      std::move(options));
}

}  // namespace blindai::tests
