#include "protocols/wire/audio_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include <boost/json.hpp>

#include "protocols/wire/errors.h"
#include "protocols/wire/json_fields.h"

namespace blindai::wire {
namespace {

namespace json = boost::json;
using base::Result;

constexpr std::string_view kCode = "audio-job";
constexpr std::array<std::string_view, 4> kStatuses = {"queued", "running", "completed", "failed"};

// The object inside {"error":…}.
std::string ErrorOf(const base::Error& error) {
  constexpr std::string_view kBefore = R"({"error":)";
  const std::string whole = EncodeError(error);
  return whole.substr(kBefore.size(), whole.size() - kBefore.size() - 1);
}

Result<double> Seconds(const JsonFields& fields, const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  if (value == nullptr || !value->is_number()) return fields.Wrong(name, "is not a number");
  return value->to_number<double>();
}

}  // namespace

std::string_view AudioJobStatusName(AudioJobStatus status) {
  return kStatuses[static_cast<std::size_t>(status)];
}

std::string EncodeAudioJob(const AudioJob& job) {
  std::string text = fmt::format(
      R"({{"id":{},"object":"audio.job","status":"{}","created_at":{},"expires_at":{},"seconds_done":{:.3f},)"
      R"("seconds_total":{:.3f},"error":{})",
      JsonString(job.id), AudioJobStatusName(job.status), job.created_at,
      job.expires_at ? std::to_string(*job.expires_at) : "null", job.seconds_done, job.seconds_total,
      job.error ? ErrorOf(*job.error) : "null");
  if (!job.token.empty()) text += fmt::format(R"(,"token":{})", JsonString(job.token));
  return text + "}";
}

Result<AudioJob> DecodeAudioJob(base::ByteView body) {
  BLINDAI_TRY(const json::object object, ParseSmallJsonObject(body, kCode));
  const JsonFields fields(object, kCode);
  AudioJob job;
  BLINDAI_TRY(job.id, fields.String("id"));
  BLINDAI_TRY(const std::string status, fields.String("status"));
  const auto* const known = std::find(kStatuses.begin(), kStatuses.end(), status);
  if (known == kStatuses.end())
    return fields.Wrong("status", "is none of queued, running, completed, failed");
  job.status = static_cast<AudioJobStatus>(known - kStatuses.begin());
  BLINDAI_TRY(const std::optional<std::int64_t> created_at, fields.OptionalInteger("created_at"));
  job.created_at = created_at.value_or(0);
  BLINDAI_TRY(job.expires_at, fields.OptionalInteger("expires_at"));
  BLINDAI_TRY(job.seconds_done, Seconds(fields, object, "seconds_done"));
  BLINDAI_TRY(job.seconds_total, Seconds(fields, object, "seconds_total"));
  BLINDAI_TRY(std::optional<std::string> token, fields.OptionalString("token"));
  job.token = std::move(token).value_or("");
  return job;
}

std::string EncodeAudioJobDeleted(std::string_view id) {
  return json::serialize(json::object{{"id", id}, {"object", "audio.job"}, {"deleted", true}});
}

}  // namespace blindai::wire
