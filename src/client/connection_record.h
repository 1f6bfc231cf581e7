// What one connection proved, kept so that it can be judged again later and without the server: the attestation
// answer as it came, and the three values that only this end of the connection could know. Judging again asks the
// same question as on the connection (channel/attested_client.h), with the policy, trust anchors and time of then.
//
// It proves to whoever kept it that a machine which the policy accepts ended that TLS connection. It is no
// signature of what was sent over it: nobody else can tell what was asked and answered. docs/formats/proof.md
// describes the file that Python makes of it.
#pragma once

#include <string>
#include <string_view>

#include "attestation/verifier/verdict.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "channel/attested_client.h"

namespace blindai::client {

struct ConnectionRecord {
  std::string answer;  // the JSON of protocols/wire/attestation.h
  channel::Nonce nonce;
  channel::ExporterValue exporter;
  base::Bytes peer_spki_der;
  base::Time verified_at;
};

// {"version":1,"verified_at":"…","nonce":"<hex>","exporter":"<hex>","server_key":"<base64, SPKI>","answer":"…"}
std::string EncodeRecord(const ConnectionRecord& record);
// Codes: connection-record, and those of encoding/json.h.
base::Result<ConnectionRecord> DecodeRecord(std::string_view json);

// Code: attestation-answer (there is no evidence in it that could be read).
base::Result<verifier::Verdict> Judge(const ConnectionRecord& record, const channel::ClientDemand& demand);

}  // namespace blindai::client
