#include "client/transcription_job.h"

#include <algorithm>

#include "client/failure.h"

namespace blindai::client {
namespace {

constexpr std::size_t kMaxPartBytes = 128;

bool IsWord(std::string_view text) {
  const auto is_plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  };
  return !text.empty() && text.size() <= kMaxPartBytes && std::all_of(text.begin(), text.end(), is_plain);
}

}  // namespace

std::string JobReference::ToText() const { return id + "." + token + (server ? "@" + server->ToText() : ""); }

base::Result<JobReference> ParseJobReference(std::string_view text) {
  JobReference reference;
  if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
    BLINDAI_TRY(reference.server, ParseServerAddress(text.substr(at + 1)));
    text = text.substr(0, at);
  }
  const std::size_t dot = std::min(text.find('.'), text.size());
  reference.id = text.substr(0, dot);
  reference.token = text.substr(std::min(dot + 1, text.size()));
  if (IsWord(reference.id) && IsWord(reference.token)) return reference;
  return ArgumentError(
      "this is no reference to a job; it is an id, a dot and a token, as the start of the job gave it",
      "reference");
}

}  // namespace blindai::client
