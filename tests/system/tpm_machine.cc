#include "tpm_machine.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "attestation/attester/tpm.h"
#include "attestation/evidence/tpm_quote.h"
#include "support/test_pki.h"

namespace blindai::tests {

base::Result<std::unique_ptr<TpmMachine>> TpmMachine::Start() {
  auto tpm = Swtpm::Start();
  if (!tpm) return std::unique_ptr<TpmMachine>();
  std::unique_ptr<TpmMachine> machine(new TpmMachine(std::move(*tpm)));
  BLINDAI_RETURN_IF_ERROR(machine->Certify());
  return machine;
}

TpmMachine::TpmMachine(Swtpm tpm) : tpm_(std::move(tpm)) {
  std::string pattern = (std::filesystem::temp_directory_path() / "blindai-tpm-XXXXXX").string();
  folder_ = mkdtemp(pattern.data());
}

TpmMachine::~TpmMachine() { std::filesystem::remove_all(folder_); }

base::Status TpmMachine::Certify() const {
  attester::TpmAttesterOptions options;
  options.tcti = tpm_.tcti();
  options.event_log = "";
  BLINDAI_TRY(const auto attester, attester::TpmAttester::Open(options));
  BLINDAI_TRY(const auto key, evidence::ParseTpmPublic(attester->attestation_key()));
  base::Bytes point = key.x;
  point.insert(point.end(), key.y.begin(), key.y.end());
  BLINDAI_TRY(const auto ak, crypto::PublicKey::FromEcPoint(crypto::KeyKind::kP256, point));
  const Authority ca = MakeRoot(PkiCaSpec("a TPM's CA"), crypto::SigningKey::GenerateP256());
  const Authority other = MakeRoot(PkiCaSpec("another CA"), crypto::SigningKey::GenerateP256());
  const auto write = [this](const std::string& name, const base::Bytes& pem) {
    std::ofstream(File(name), std::ios::binary) << base::AsText(pem);
  };
  write("ak.pem", PemOf({Issue(PkiSpec("attestation key"), ak, ca), ca.certificate}));
  write("ca.pem", PemOf({ca.certificate}));
  write("other-ca.pem", PemOf({other.certificate}));
  return base::Ok();
}

std::string TpmMachine::Policy(const std::string& pcr_hex) const {
  std::ofstream(File("policy.toml")) << "[[accept]]\ntee = \"tpm\"\nname = \"test\"\npcr_sha256.12 = [\""
                                     << pcr_hex << "\"]\n";
  return File("policy.toml");
}

base::Result<std::unique_ptr<ServerProgram>> TpmMachine::StartServer() const {
  return ServerProgram::Start("platform = \"tpm\"\n[tpm]\ntcti = \"" + tpm_.tcti() + "\"\ncertificates = \"" +
                              File("ak.pem") + "\"\nevent_log = \"" + File("no-log") +
                              "\"\n[accounts]\nanonymous = true\n");
}

}  // namespace blindai::tests
