// What the gateway knows about the server: the newest verdict, what it rests on, and what changed. Values and pure
// functions; upstream.h makes the attempts. It is one text for the page, the events and the refusals of requests
// (docs/gateway.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "attestation/verifier/verdict.h"
#include "base/clock.h"
#include "base/result.h"
#include "client/connection_record.h"
#include "crypto/digest.h"

namespace blindai::gateway {

enum class State { kConnecting, kTrusted, kSimulation, kRefused, kUndecided, kUnreachable };
std::string_view StateName(State state);  // "trusted"

// Something that the server shows with its evidence: its key, its manifest.
struct Shown {
  crypto::Sha256Digest sha256;                   // of the newest evidence
  std::optional<crypto::Sha256Digest> accepted;  // the newest one that came with an accepted verdict
  std::optional<crypto::Sha256Digest> before;    // the accepted one before that, where it was another
  std::optional<base::Time> changed_at;
};

struct Standing {
  State state = State::kConnecting;
  base::Time since;
  std::uint64_t number = 0;  // goes up with every change that is told
  std::string_view change = "started";
  std::optional<base::Error> error;  // of the newest attempt
  // Of the newest evidence that could be read, accepted or not.
  std::shared_ptr<const client::ConnectionRecord> record;
  std::optional<verifier::Verdict> verdict;
  std::optional<Shown> server_key;
  std::optional<Shown> manifest;

  // Whether requests are forwarded.
  bool usable() const { return state == State::kTrusted || state == State::kSimulation; }
};

// One attempt to connect and verify: an error or none, and what evidence there was.
struct Attempt {
  std::optional<base::Error> error;
  std::shared_ptr<const client::ConnectionRecord> record;
  std::optional<verifier::Verdict> verdict;
};

// The standing after an attempt. `change` says what is new and `number` goes up; neither moves when nothing is new.
Standing After(Standing standing, const Attempt& attempt, base::Time now);
// The same standing, told again because its evidence was renewed.
Standing Renewed(Standing standing);

// What does not change while the gateway runs.
struct StatusFacts {
  std::string server;
  bool simulation_permitted = false;
  bool has_policy = false;
  std::chrono::seconds verify_every{600};
};

// The JSON of GET /gateway/status.
std::string RenderStatus(const Standing& standing, const StatusFacts& facts);

// Why a request is not forwarded. Codes: server-not-trusted, server-unreachable.
base::Error WhyNot(const Standing& standing);
// The body of that answer: OpenAI's error, or the Open Inference Protocol's, with the verdict.
enum class ErrorShape { kOpenAI, kOpenInference };
std::string RenderRefusal(const Standing& standing, ErrorShape shape);

}  // namespace blindai::gateway
