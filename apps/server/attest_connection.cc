#include "server/attest_connection.h"

#include <utility>

#include "base/clock.h"
#include "channel/attested_server.h"

namespace blindai::server {
namespace {

using base::Result;

wire::AttestationAnswer ToWire(const channel::AttestationAnswer& answer, fetch::FetchTimes fetched_at) {
  const channel::Statement& statement = answer.statement;
  wire::AttestationAnswer out;
  out.tee = evidence::TeeName(answer.bundle.tee);
  out.evidence = answer.bundle.evidence;
  for (const evidence::NamedBytes& endorsement : answer.bundle.endorsements) {
    out.endorsements.emplace_back(endorsement.name, endorsement.bytes);
  }
  out.statement = {{statement.nonce.bytes},
                   {statement.exporter_sha256.bytes},
                   {statement.server_key.bytes},
                   {statement.keyset.bytes},
                   {statement.manifest.bytes}};
  out.keyset = answer.keyset;
  out.manifest = answer.manifest;
  out.fetched_at = std::move(fetched_at);
  return out;
}

}  // namespace

endpoints::AttestConnection AttestWith(const channel::ServerIdentity& identity, attester::Attester& attester,
                                       fetch::Endorser& endorser, service::AttestationQueue& queue) {
  return [&identity, &attester, &endorser, &queue](const wire::AttestationNonce& wire_nonce,
                                                   const net::ConnectionFacts& connection,
                                                   net::Callback<wire::AttestationAnswer> done) {
    const channel::Nonce nonce{wire_nonce.bytes};
    // Asked of the connection itself, here on its strand; the queue's thread gets the value.
    Result<channel::ExporterValue> exported = channel::ExportFor(connection.exporter, nonce);
    if (!exported.ok()) return done(std::move(exported).error());

    queue.Submit<wire::AttestationAnswer>(
        [&identity, &attester, &endorser, nonce,
         value = *exported](service::AttestationQueue::Deadline deadline) -> Result<wire::AttestationAnswer> {
          const channel::Exporter exporter = [&value](std::string_view, base::ByteView) {
            return value.bytes;
          };
          fetch::FetchTimes fetched_at;
          const channel::Attest attest =
              [&](const evidence::ReportData& report_data) -> Result<evidence::EvidenceBundle> {
            BLINDAI_TRY(evidence::EvidenceBundle bundle, attester.Attest(report_data, deadline));
            BLINDAI_TRY(fetched_at, endorser.Complete(bundle, base::Now(), deadline));
            return bundle;
          };
          BLINDAI_TRY(const channel::AttestationAnswer answer,
                      channel::AnswerAttestation(identity, nonce, exporter, attest));
          return ToWire(answer, std::move(fetched_at));
        },
        std::move(done));
  };
}

}  // namespace blindai::server
