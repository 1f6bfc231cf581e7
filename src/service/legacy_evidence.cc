#include "service/legacy_evidence.h"

#include <utility>

namespace blindai::service {

using base::ErrorKind;
using base::MakeError;
using base::Result;

std::shared_ptr<const LegacyQuote> LegacyEvidence::Fresh() const {
  const std::lock_guard lock(mutex_);
  return kept_.quote && now_() - kept_.made < max_age_ ? kept_.quote : nullptr;
}

// On the queue's thread, one at a time: whoever waited while another renewed finds it done.
Result<std::shared_ptr<const LegacyQuote>> LegacyEvidence::Renew(AttestationQueue::Deadline deadline) {
  if (auto fresh = Fresh()) return fresh;
  const Clock::time_point begun = now_();
  BLINDAI_TRY(LegacyQuote quote, attest_(deadline));
  auto shared = std::make_shared<const LegacyQuote>(std::move(quote));
  const std::lock_guard lock(mutex_);
  kept_ = {shared, begun};
  return shared;
}

void LegacyEvidence::Get(Done done) {
  if (!is_genuine()) {
    return done(MakeError(
        ErrorKind::kNotFound, "no-genuine-quote",
        "this server has no SGX quote; clients of BlindAI 0.5 and 0.6 can only use it in simulation "
        "mode"));
  }
  if (auto fresh = Fresh()) return done(std::move(fresh));
  queue_.Submit<std::shared_ptr<const LegacyQuote>>(
      [this](AttestationQueue::Deadline deadline) { return Renew(deadline); }, std::move(done));
}

}  // namespace blindai::service
