#include "channel/attested_server.h"

namespace blindai::channel {

base::Result<ExporterValue> ExportFor(const Exporter& exporter, const Nonce& nonce) {
  BLINDAI_TRY(const auto bytes, exporter(kExporterLabel, nonce.view()));
  return ExporterValue{bytes};
}

base::Result<AttestationAnswer> AnswerAttestation(const ServerIdentity& identity, const Nonce& nonce,
                                                  const Exporter& exporter, const Attest& attest) {
  Binding binding;
  binding.nonce = nonce;
  BLINDAI_TRY(binding.exporter, ExportFor(exporter, nonce));
  binding.server_key = identity.key_sha256();
  binding.keyset = crypto::Sha256(base::AsBytes(identity.keyset()));
  binding.manifest = crypto::Sha256(base::AsBytes(identity.manifest()));

  AttestationAnswer answer;
  BLINDAI_TRY(answer.bundle, attest(binding.ToReportData()));
  answer.statement = {binding.nonce, crypto::Sha256(binding.exporter.view()), binding.server_key,
                      binding.keyset, binding.manifest};
  answer.keyset = identity.keyset();
  answer.manifest = identity.manifest();
  return answer;
}

}  // namespace blindai::channel
