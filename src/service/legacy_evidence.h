// Evidence for the clients of BlindAI 0.5 and 0.6: about one certificate, the same for everybody. They send no nonce,
// so a quote is kept and given again until it has reached the stated age; none older than that leaves this class. They
// read SGX quotes only: on any other platform there is nothing to give, and the server says so (is_genuine).
//
// A failure fails the call that met it and is not kept: the next call asks the platform again.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>

#include "base/bytes.h"
#include "base/result.h"
#include "service/attestation_queue.h"
#include "vocabulary/sgx_collateral.h"

namespace blindai::service {

struct LegacyQuote {
  base::Bytes quote;
  vocabulary::SgxCollateral collateral;
};

class LegacyEvidence {
 public:
  using Clock = std::chrono::steady_clock;
  // A quote over the certificate's report data; runs on the queue's thread.
  using Attest = std::function<base::Result<LegacyQuote>(AttestationQueue::Deadline)>;
  using Done = std::function<void(base::Result<std::shared_ptr<const LegacyQuote>>)>;

  // `attest` is empty when the platform makes no SGX quotes. The queue must outlive this.
  LegacyEvidence(Attest attest, std::chrono::seconds max_age, AttestationQueue& queue,
                 std::function<Clock::time_point()> now = Clock::now)
      : attest_(std::move(attest)), max_age_(max_age), queue_(queue), now_(std::move(now)) {}

  bool is_genuine() const { return static_cast<bool>(attest_); }
  const std::chrono::seconds& max_age() const { return max_age_; }

  // `done` is called once, at once or on the queue's thread. Codes: no-genuine-quote (kNotFound), those of the queue
  // and of `attest`.
  void Get(Done done);

 private:
  struct Kept {
    std::shared_ptr<const LegacyQuote> quote;
    Clock::time_point made;
  };
  std::shared_ptr<const LegacyQuote> Fresh() const;
  base::Result<std::shared_ptr<const LegacyQuote>> Renew(AttestationQueue::Deadline deadline);

  const Attest attest_;
  const std::chrono::seconds max_age_;
  AttestationQueue& queue_;
  const std::function<Clock::time_point()> now_;
  mutable std::mutex mutex_;
  Kept kept_;
};

}  // namespace blindai::service
