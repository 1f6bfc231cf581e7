#include "protocols/endpoints/audio_jobs.h"

#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/secret.h"
#include "protocols/endpoints/answer.h"
#include "protocols/endpoints/audio_form.h"
#include "protocols/wire/audio_job.h"
#include "protocols/wire/openai_audio.h"
#include "service/job_token.h"

namespace blindai::endpoints {
namespace {

using base::Result;
using base::Status;
using service::Caller;
using service::TranscriptionJobs;
using Place = TranscriptionJobs::Place;

static_assert(static_cast<int>(service::JobState::kFailed) ==
              static_cast<int>(wire::AudioJobStatus::kFailed));

wire::AudioJob JobOf(std::string id, const service::JobStatus& status) {
  wire::AudioJob job;
  job.id = std::move(id);
  job.status = static_cast<wire::AudioJobStatus>(status.state);
  job.created_at = status.created.time_since_epoch().count();
  job.seconds_done = status.seconds_done;
  job.seconds_total = status.seconds_total;
  if (status.expires) job.expires_at = status.expires->time_since_epoch().count();
  job.error = status.error;
  return job;
}

// Wiped when the last byte has been written.
void AddSecret(net::HttpResponse& response, std::string_view content_type, base::SecretBytes body) {
  const auto held = std::make_shared<const base::SecretBytes>(std::move(body));
  response.headers.Add("Content-Type", std::string(content_type));
  response.headers.Add("Cache-Control", "no-store");
  response.parts.push_back({held->ExposeSecret(), held});
}

class AudioJobsEndpoint {
 public:
  AudioJobsEndpoint(const service::ModelCatalogue& catalogue, service::Recordings& recordings,
                    TranscriptionJobs& jobs, IdentifyCaller identify)
      : catalogue_(catalogue), recordings_(recordings), jobs_(jobs), identify_(std::move(identify)) {}

  net::Task<void> Create(net::HttpExchange& exchange) const {
    const Result<Caller> caller = identify_(exchange.head());
    if (!caller.ok()) {
      co_await AnswerError(exchange, caller.error());
      co_return;
    }
    Result<std::unique_ptr<Place>> place = jobs_.Reserve(*caller);
    if (!place.ok()) {
      co_await AnswerError(exchange, place.error());
      co_return;
    }
    Result<AudioSubmission> submission = co_await ReadAudioForm(exchange, *caller, catalogue_, recordings_);
    if (!submission.ok()) {
      co_await AnswerError(exchange, submission.error());
      co_return;
    }
    Result<service::JobTicket> ticket = Submit(*std::move(place), *caller, *submission);
    if (!ticket.ok()) {
      co_await AnswerError(exchange, ticket.error());
      co_return;
    }
    net::HttpResponse response = Accepted(*ticket);
    const Status answered = co_await exchange.Respond(response);
    // Nobody knows the token of an answer that did not arrive.
    if (!answered.ok()) {
      std::string token = service::JobTokenText(ticket->token);
      const Status cancelled = jobs_.Cancel(*caller, ticket->id, token);
      base::Wipe(token.data(), token.size());
      static_cast<void>(cancelled);
    }
  }

  net::Task<void> Look(net::HttpExchange& exchange, const std::string& id) const {
    const Result<service::JobStatus> status = StatusOf(exchange.head(), id);
    if (!status.ok()) {
      co_await AnswerError(exchange, status.error());
      co_return;
    }
    const std::string json = wire::EncodeAudioJob(JobOf(id, *status));
    co_await AnswerJson(exchange, 200, json);
  }

  net::Task<void> Fetch(net::HttpExchange& exchange, const std::string& id) const {
    Result<service::JobResult> result = ResultOf(exchange.head(), id);
    if (!result.ok()) {
      co_await AnswerError(exchange, result.error());
      co_return;
    }
    net::HttpResponse response;
    AddSecret(response, result->content_type, std::move(result->document));
    co_await exchange.Respond(response);
  }

  net::Task<void> Delete(net::HttpExchange& exchange, const std::string& id) const {
    const Status cancelled = Cancel(exchange.head(), id);
    if (!cancelled.ok()) {
      co_await AnswerError(exchange, cancelled.error());
      co_return;
    }
    const std::string json = wire::EncodeAudioJobDeleted(id);
    co_await AnswerJson(exchange, 200, json);
  }

 private:
  Result<service::JobTicket> Submit(std::unique_ptr<Place> place, const Caller& caller,
                                    AudioSubmission& submission) const {
    wire::TranscriptionRequest& request = submission.request;
    if (request.stream) {
      return base::MakeError(
          base::ErrorKind::kInvalid, "form-field",
          "'stream' cannot be true: a job has no stream; ask for its status and its result", "stream");
    }
    service::TranscribeRequest transcription = TakeTranscription(submission);
    std::string content_type(wire::ContentTypeOf(request.format));
    return jobs_.Submit(std::move(place), caller,
                        {.model = submission.model,
                         .transcription = std::move(transcription),
                         .encode =
                             [request = std::move(request)](const vocabulary::Transcript& transcript) {
                               return wire::EncodeTranscription(request, transcript);
                             },
                         .content_type = std::move(content_type)});
  }

  static net::HttpResponse Accepted(const service::JobTicket& ticket) {
    wire::AudioJob job;
    job.id = ticket.id;
    job.created_at = base::Now().time_since_epoch().count();
    job.token = service::JobTokenText(ticket.token);
    std::string json = wire::EncodeAudioJob(job);
    net::HttpResponse response;
    response.status = 202;
    response.headers.Add("Location", "/v1/audio/jobs/" + ticket.id);
    AddSecret(response, "application/json", base::SecretBytes::CopyOf(base::AsBytes(json)));
    base::Wipe(json.data(), json.size());
    base::Wipe(job.token.data(), job.token.size());
    return response;
  }

  static std::string_view TokenOf(const net::RequestHead& head) {
    return head.headers.Find(wire::kJobTokenHeader).value_or("");
  }
  Result<service::JobStatus> StatusOf(const net::RequestHead& head, const std::string& id) const {
    BLINDAI_TRY(const Caller caller, identify_(head));
    return jobs_.Look(caller, id, TokenOf(head));
  }
  Result<service::JobResult> ResultOf(const net::RequestHead& head, const std::string& id) const {
    BLINDAI_TRY(const Caller caller, identify_(head));
    return jobs_.Fetch(caller, id, TokenOf(head));
  }
  Status Cancel(const net::RequestHead& head, const std::string& id) const {
    BLINDAI_TRY(const Caller caller, identify_(head));
    return jobs_.Cancel(caller, id, TokenOf(head));
  }

  const service::ModelCatalogue& catalogue_;
  service::Recordings& recordings_;
  TranscriptionJobs& jobs_;
  const IdentifyCaller identify_;
};

}  // namespace

void RegisterAudioJobs(Router& router, const service::ModelCatalogue& catalogue,
                       service::Recordings& recordings, TranscriptionJobs& jobs, IdentifyCaller identify) {
  const auto endpoint =
      std::make_shared<const AudioJobsEndpoint>(catalogue, recordings, jobs, std::move(identify));
  router.Add("POST", "/v1/audio/jobs", [endpoint](net::HttpExchange& exchange, const PathArguments&) {
    return endpoint->Create(exchange);
  });
  router.Add("GET", "/v1/audio/jobs/{id}",
             [endpoint](net::HttpExchange& exchange, const PathArguments& arguments) {
               return endpoint->Look(exchange, arguments.at("id"));
             });
  router.Add("DELETE", "/v1/audio/jobs/{id}",
             [endpoint](net::HttpExchange& exchange, const PathArguments& arguments) {
               return endpoint->Delete(exchange, arguments.at("id"));
             });
  router.Add("GET", "/v1/audio/jobs/{id}/result",
             [endpoint](net::HttpExchange& exchange, const PathArguments& arguments) {
               return endpoint->Fetch(exchange, arguments.at("id"));
             });
}

}  // namespace blindai::endpoints
