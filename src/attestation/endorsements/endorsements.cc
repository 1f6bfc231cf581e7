#include "attestation/endorsements/endorsements.h"

#include <algorithm>

namespace blindai::endorsements {
namespace {

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxEndorsementName &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

base::Error TooLarge(std::string message) {
  return base::MakeError(base::ErrorKind::kTooLarge, "too-large", "endorsements: " + std::move(message));
}

}  // namespace

base::Status Endorsements::Add(std::string_view name, base::Bytes bytes) {
  if (!IsName(name)) {
    return base::Malformed("endorsements: a name has " + std::to_string(name.size()) +
                               " characters; wanted 1 to 32 lower-case letters, digits or hyphens",
                           "endorsement-name");
  }
  if (Find(name)) {
    return base::Malformed("endorsements: " + std::string(name) + " stands there twice", "endorsement-name");
  }
  if (entries_.size() == kMaxEndorsements) {
    return TooLarge("seen more than " + std::to_string(kMaxEndorsements) + " entries");
  }
  if (bytes.size() > kMaxEndorsementBytes) {
    return TooLarge(std::string(name) + ": seen " + std::to_string(bytes.size()) + " bytes, wanted at most " +
                    std::to_string(kMaxEndorsementBytes));
  }
  if (bytes.size() > kMaxEndorsementsTotalBytes - total_bytes_) {
    return TooLarge("together more than " + std::to_string(kMaxEndorsementsTotalBytes) + " bytes");
  }
  total_bytes_ += bytes.size();
  entries_.push_back({std::string(name), std::move(bytes)});
  return base::Ok();
}

std::optional<base::ByteView> Endorsements::Find(std::string_view name) const {
  for (const Entry& entry : entries_) {
    if (entry.name == name) return base::ByteView(entry.bytes);
  }
  return std::nullopt;
}

}  // namespace blindai::endorsements
