#include "protocols/endpoints/openai_audio.h"

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/secret.h"
#include "net/await_callback.h"
#include "net/callback_queue.h"
#include "protocols/endpoints/answer.h"
#include "protocols/endpoints/audio_form.h"
#include "protocols/wire/openai_audio.h"
#include "protocols/wire/openai_audio_events.h"

namespace blindai::endpoints {
namespace {

using base::Result;
using base::Status;
using service::TranscribeDone;

// What was said, on its way out; wiped when the last byte has been written.
struct Outgoing {
  explicit Outgoing(std::string the_text) : text(std::move(the_text)) {}
  ~Outgoing() { base::Wipe(text.data(), text.size()); }
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;

  std::string text;
};

// The events of one answer. The answer begins with the first of them, so that what goes wrong before has a status of
// its own.
class EventStream {
 public:
  explicit EventStream(net::HttpExchange& exchange) : exchange_(exchange) {}

  // Leaves `events` empty: what is in it is wiped once it is sent.
  net::Task<Status> Send(std::string& events) {
    if (!exchange_.response_started()) {
      net::HeaderList headers{{"Content-Type", std::string(wire::kEventStreamType)},
                              {"Cache-Control", "no-store"}};
      const Status started = co_await exchange_.StartResponse(200, headers);
      if (!started.ok()) co_return started.error();
    }
    const Outgoing held(std::exchange(events, ""));
    const base::ByteView bytes = base::AsBytes(held.text);
    Status written = co_await exchange_.Write(bytes);
    co_return written;
  }

 private:
  net::HttpExchange& exchange_;
};

class OpenAIAudioEndpoint {
 public:
  OpenAIAudioEndpoint(const service::ModelCatalogue& catalogue, service::Recordings& recordings,
                      OpenAIAudioOptions options, IdentifyCaller identify)
      : catalogue_(catalogue),
        recordings_(recordings),
        options_(std::move(options)),
        identify_(std::move(identify)) {}

  net::Task<void> Transcribe(net::HttpExchange& exchange, bool translate) const {
    const Result<service::Caller> caller = identify_(exchange.head());
    if (!caller.ok()) {
      co_await AnswerError(exchange, caller.error());
      co_return;
    }
    Result<AudioSubmission> submission = co_await ReadAudioForm(exchange, *caller, catalogue_, recordings_);
    if (!submission.ok()) {
      co_await AnswerError(exchange, submission.error());
      co_return;
    }
    submission->request.translate = translate;
    if (submission->request.stream) {
      co_await Stream(exchange, *caller, *submission);
    } else {
      co_await Whole(exchange, *caller, *submission);
    }
  }

 private:
  service::TranscribeRequest RequestOf(AudioSubmission& submission) const {
    service::TranscribeRequest request = TakeTranscription(submission);
    request.deadline = std::chrono::steady_clock::now() + options_.deadline;
    return request;
  }

  net::Task<void> Whole(net::HttpExchange& exchange, const service::Caller& caller,
                        AudioSubmission& submission) const {
    service::TranscribeTicket ticket;
    std::function<void(net::Callback<TranscribeDone>)> start = [&](net::Callback<TranscribeDone> done) {
      ticket = service::Transcribe(catalogue_, options_.decoder, caller, submission.model,
                                   RequestOf(submission), std::move(done));
    };
    std::function<void()> cancel = [&ticket] { ticket.Cancel(); };
    const Result<TranscribeDone> done =
        co_await net::AwaitCallbackOrDisconnect<TranscribeDone>(exchange, start, cancel);
    if (!done.ok()) {
      co_await AnswerError(exchange, done.error());
      co_return;
    }
    const auto outgoing =
        std::make_shared<const Outgoing>(wire::EncodeTranscription(submission.request, done->transcript));
    net::HttpResponse response;
    response.headers.Add("Content-Type", std::string(wire::ContentTypeOf(submission.request.format)));
    response.headers.Add("Cache-Control", "no-store");
    response.parts.push_back({base::AsBytes(outgoing->text), outgoing});
    co_await exchange.Respond(response);
  }

  using Segments = std::vector<vocabulary::Segment>;
  using Report = std::variant<wire::TranscriptionProgress, Segments, Result<TranscribeDone>>;

  // The events of a transcript's segments, each once.
  struct SegmentEvents {
    const wire::TranscriptionRequest& request;
    std::size_t seen = 0;
    std::size_t number = 0;  // of those with text

    std::string Encode(std::span<const vocabulary::Segment> segments) {
      std::string events;
      for (const vocabulary::Segment& segment : segments) {
        ++seen;
        if (!segment.text.empty()) events += wire::EncodeSegmentEvents(request, segment, ++number);
      }
      return events;
    }
  };

  net::Task<void> Stream(net::HttpExchange& exchange, const service::Caller& caller,
                         AudioSubmission& submission) const {
    const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
    net::CallbackQueue<Report> reports(executor);
    service::TranscribeRequest request = RequestOf(submission);
    if (submission.request.progress) {
      request.progress = [push = reports.pusher()](double done_s, double announced_s) {
        push(wire::TranscriptionProgress{done_s, announced_s});
      };
    }
    request.finished = [push = reports.pusher()](Segments segments) { push(std::move(segments)); };
    // The work refers to this coroutine's queue and the client may go before it has ended: it is always waited for.
    const auto ticket = std::make_shared<service::TranscribeTicket>(service::Transcribe(
        catalogue_, options_.decoder, caller, submission.model, std::move(request),
        [push = reports.pusher()](Result<TranscribeDone> done) { push(std::move(done)); }));
    exchange.OnDisconnect([ticket] { ticket->Cancel(); });

    EventStream stream(exchange);
    SegmentEvents events{.request = submission.request};
    while (true) {
      Report report = co_await reports.Pop();
      if (const auto* segments = std::get_if<Segments>(&report)) {
        std::string text = events.Encode(*segments);
        const Status sent = co_await stream.Send(text);
        if (!sent.ok()) ticket->Cancel();
        continue;
      }
      if (const auto* progress = std::get_if<wire::TranscriptionProgress>(&report)) {
        std::string event = wire::EncodeProgressEvent(*progress);
        const Status sent = co_await stream.Send(event);
        if (!sent.ok()) ticket->Cancel();
        continue;
      }
      const Result<TranscribeDone>& done = std::get<Result<TranscribeDone>>(report);
      co_await End(exchange, stream, events, done);
      co_return;
    }
  }

  // The deltas that are left and the last event, or the error; without either the client sees a stream that broke.
  static net::Task<void> End(net::HttpExchange& exchange, EventStream& stream, SegmentEvents& segments,
                             const Result<TranscribeDone>& done) {
    if (!done.ok() && !exchange.response_started()) {
      co_await AnswerError(exchange, done.error());
      co_return;
    }
    if (exchange.disconnected()) co_return;
    std::string events;
    if (done.ok()) {
      events = segments.Encode(std::span(done->transcript.segments).subspan(segments.seen));
      events += wire::EncodeDoneEvent(segments.request, done->transcript);
    } else {
      events = wire::EncodeErrorEvent(done.error());
    }
    const Status sent = co_await stream.Send(events);
    if (sent.ok()) co_await exchange.Finish();
  }

  const service::ModelCatalogue& catalogue_;
  service::Recordings& recordings_;
  const OpenAIAudioOptions options_;
  const IdentifyCaller identify_;
};

}  // namespace

void RegisterOpenAIAudio(Router& router, const service::ModelCatalogue& catalogue,
                         service::Recordings& recordings, OpenAIAudioOptions options,
                         IdentifyCaller identify) {
  const auto endpoint = std::make_shared<const OpenAIAudioEndpoint>(catalogue, recordings, std::move(options),
                                                                    std::move(identify));
  router.Add("POST", "/v1/audio/transcriptions",
             [endpoint](net::HttpExchange& exchange, const PathArguments&) {
               return endpoint->Transcribe(exchange, /*translate=*/false);
             });
  router.Add("POST", "/v1/audio/translations", [endpoint](net::HttpExchange& exchange, const PathArguments&) {
    return endpoint->Transcribe(exchange, /*translate=*/true);
  });
}

}  // namespace blindai::endpoints
