// rooms: base encoding attestation/evidence attestation/endorsements attestation/verifier
// What it costs to judge evidence: the whole way from bytes to verdict for each kind (parse, every signature,
// revocation, patch levels), and parsing alone. One core, real evidence, no policy: comparing with one costs nothing
// beside the signatures. The first argument is the folder of vectors; without it there is nothing to measure.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "attestation/endorsements/dcap_collateral.h"
#include "attestation/evidence/envelope.h"
#include "attestation/verifier/appraise.h"
#include "attestation/verifier/offline.h"

namespace blindai::verifier {
namespace {

struct Part {
  const char* role;
  const char* file;  // FILE.json#member too, as `blindai verify` takes it
};
struct Case {
  const char* name;
  const char* evidence;
  const char* at;
  const char* missing;  // the finding that keeps these vectors from being complete, or nullptr
  std::vector<Part> endorsements;
};

const std::vector<Part> kMilan = {{"leaf", "snp/virtee-sev/vcek_milan.der"},
                                  {"chain", "snp/go-sev-guest/ask_ark_milan.pem"}};
#define COLLATERAL "tdx/dcap-qvl/tdx_quote_collateral.json"
#define PROOF "sgx/mithril-blindai/legacy_exec_run/"
const std::vector<Case> kCases = {
    {"SGX",
     PROOF "quote.bin",
     "2022-09-01T00:00:00Z",
     nullptr,
     {{"tcb-info", PROOF "tcb_info.json"},
      {"tcb-chain", PROOF "chain_field5.pem"},
      {"qe-identity", PROOF "qe_identity.json"},
      {"pck-crl", PROOF "crl_field4"},
      {"root-crl", PROOF "crl_field3"},
      {"crl-chain", PROOF "chain_field2.pem"}}},
    {"TDX",
     "tdx/dcap-qvl/tdx_quote",
     "2025-07-01T00:00:00Z",
     nullptr,
     {{"tcb-info", COLLATERAL "#tcb_info"},
      {"tcb-chain", COLLATERAL "#tcb_info_issuer_chain"},
      {"qe-identity", COLLATERAL "#qe_identity"},
      {"qe-chain", COLLATERAL "#qe_identity_issuer_chain"},
      {"pck-crl", COLLATERAL "#pck_crl"},
      {"root-crl", COLLATERAL "#root_ca_crl"},
      {"crl-chain", COLLATERAL "#pck_crl_issuer_chain"}}},
    {"SNP", "snp/virtee-sev/report_milan.hex", "2024-01-01T00:00:00Z", nullptr, kMilan},
    {"TPM", "tpm/trustee/tpm_evidence.json", "2025-06-01T00:00:00Z", "ak-unknown", {}},
    {"Nitro", "nitro/veracruz/aws_nitro_document.cbor", "2022-11-09T22:52:10Z", nullptr, {}},
    {"Azure SNP",
     "tpm/trustee-az-snp-vtpm/evidence-v1.json",
     "2025-06-01T00:00:00Z",
     nullptr,
     {{"chain", "snp/go-sev-guest/ask_ark_milan.pem"}}},
    {"Azure TDX", "tpm/trustee-az-tdx-vtpm/evidence-v1.json", "2025-06-01T00:00:00Z", "no-collateral", {}},
};
#undef COLLATERAL
#undef PROOF

[[noreturn]] void GiveUp(const std::string& message) {
  std::fprintf(stderr, "verification_bench: %s\n", message.c_str());
  std::exit(1);
}

base::Bytes Read(const std::filesystem::path& vectors, const std::string& name) {
  const std::size_t mark = name.find('#');
  std::ifstream file(vectors / name.substr(0, mark), std::ios::binary);
  if (!file) GiveUp(name + " is not among the vectors");
  base::Bytes bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return mark == std::string::npos ? bytes : MemberOfJsonFile(bytes, name.substr(mark + 1)).value();
}

evidence::EvidenceBundle BundleOf(const std::filesystem::path& vectors, const Case& of) {
  auto envelope = evidence::OpenEnvelope(Read(vectors, of.evidence));
  if (!envelope.ok()) GiveUp(std::string(of.evidence) + ": " + envelope.error().message);
  evidence::EvidenceBundle bundle = std::move(envelope->bundle);
  for (const Part& part : of.endorsements)
    bundle.endorsements.push_back({part.role, Read(vectors, part.file)});
  return bundle;
}

// Authentic evidence only: a refusal that comes early would flatter the figure.
void ExpectAuthentic(const Case& of, const Verdict& verdict) {
  const bool as_wanted = verdict.outcome == Outcome::kUndecided && verdict.Has("no-policy") &&
                         (of.missing == nullptr || verdict.Has(of.missing));
  if (!as_wanted) GiveUp(std::string(of.name) + "\n" + RenderText(verdict));
}

void Verify(benchmark::State& state, const Case& of, const evidence::EvidenceBundle& bundle) {
  const TrustAnchors anchors = TrustAnchors::Production();
  Question question;
  question.now = base::ParseTime(of.at).value();
  ExpectAuthentic(of, JudgeBundle(bundle, anchors, question));
  for (auto _ : state) benchmark::DoNotOptimize(JudgeBundle(bundle, anchors, question));
  if (of.missing != nullptr) state.SetLabel(of.missing);
}

void Parse(benchmark::State& state, const evidence::EvidenceBundle& bundle) {
  for (auto _ : state) benchmark::DoNotOptimize(evidence::ParseEvidence(bundle.tee, bundle.evidence));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bundle.evidence.size()));
}

void ParseTcbInfo(benchmark::State& state, const base::Bytes& statement) {
  for (auto _ : state) {
    const auto read = endorsements::ReadSignedStatement(endorsements::StatementKind::kTcbInfo, statement);
    benchmark::DoNotOptimize(endorsements::ParseTcbInfo(read->text));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * statement.size()));
}

void Register(const std::filesystem::path& vectors) {
  for (const Case& of : kCases) {
    const evidence::EvidenceBundle bundle = BundleOf(vectors, of);
    benchmark::RegisterBenchmark((std::string("verify/") + of.name).c_str(), Verify, of, bundle)
        ->Unit(benchmark::kMillisecond);
    if (std::string_view(of.name).starts_with("Azure")) continue;
    benchmark::RegisterBenchmark((std::string("parse/") + of.name).c_str(), Parse, bundle);
  }
  const base::Bytes statement = Read(vectors, "tdx/dcap-qvl/tdx_quote_collateral.json#tcb_info");
  benchmark::RegisterBenchmark("parse/TCB info", ParseTcbInfo, statement);
}

}  // namespace
}  // namespace blindai::verifier

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc != 2 || !std::filesystem::exists(std::filesystem::path(argv[1]) / "README.md")) {
    std::fprintf(stderr,
                 "SKIPPED: no attestation vectors; the argument is their folder, ../shared/vectors\n");
    return 0;
  }
  blindai::verifier::Register(argv[1]);
  benchmark::RunSpecifiedBenchmarks();
}
