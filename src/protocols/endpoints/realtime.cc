#include "protocols/endpoints/realtime.h"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <cmath>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/secret.h"
#include "net/await_callback.h"
#include "net/callback_queue.h"
#include "protocols/endpoints/answer.h"
#include "protocols/wire/realtime.h"
#include "protocols/wire/realtime_events.h"
#include "service/speech_model.h"
#include "service/upload_model.h"

namespace blindai::endpoints {
namespace {

using base::Done;
using base::ErrorKind;
using base::MakeError;
using base::Result;
using base::Status;
using service::StreamEvent;
using service::StreamTranscription;
using vocabulary::ModelId;

// RFC 6455 section 7.4.1: a normal end.
constexpr std::uint16_t kNormalEnd = 1000;
// What the delays minimal, low, medium and high mean, in seconds after a word's end.
constexpr std::array<double, 4> kSettleS = {0.2, 0.5, 1, 2};

service::LiveRequest RequestOf(const wire::RealtimeSettings& settings) {
  constexpr service::PcmEncoding kEncodings[] = {service::PcmEncoding::kPcm16, service::PcmEncoding::kMulaw,
                                                 service::PcmEncoding::kAlaw};
  constexpr std::int64_t kSamplesPerMs = 16;
  service::LiveRequest request;
  request.format = {kEncodings[static_cast<std::size_t>(settings.format.encoding)], settings.format.rate_hz};
  request.endpoints.reset();
  if (settings.turn_detection) {
    // 0.5 is −50 dBFS and each half is 10 dB (wire/realtime.h).
    const double level_db = -60 + 20 * settings.turn_detection->threshold;
    request.endpoints = service::EndpointOptions{
        .threshold = static_cast<float>(std::pow(10, level_db / 20)),
        .prefix_samples = kSamplesPerMs * settings.turn_detection->prefix_padding_ms,
        .silence_samples = kSamplesPerMs * settings.turn_detection->silence_duration_ms};
  }
  request.partials = settings.partials;
  request.keywords = settings.keywords;
  request.language = settings.language;
  request.prompt = settings.prompt;
  request.needs_words = settings.logprobs;
  if (settings.delay && *settings.delay != wire::RealtimeDelay::kXHigh)
    request.settle_s = kSettleS.at(static_cast<std::size_t>(*settings.delay));
  return request;
}

// One connection: a coroutine that hears the client, and one that speaks to it, on the same strand.
class Session {
 public:
  Session(const service::ModelCatalogue& catalogue, service::LiveStreams& streams, service::Caller caller,
          wire::RealtimeSettings settings, net::WebSocket& socket,
          const boost::asio::any_io_executor& executor)
      : catalogue_(catalogue),
        streams_(streams),
        caller_(std::move(caller)),
        settings_(std::move(settings)),
        socket_(socket),
        executor_(executor),
        encoder_(service::RandomModelId().text()),
        outgoing_(executor),
        spoken_(executor),
        push_(outgoing_.pusher()),
        first_sound_(executor) {}

  net::Task<void> Run() {
    boost::asio::co_spawn(executor_, Speak(),
                          [push = spoken_.pusher()](const std::exception_ptr&) { push(Done{}); });
    push_(Texts{encoder_.SessionCreated(settings_)});
    AwaitFirstSound();
    co_await Hear();
    first_sound_.cancel();
    stream_.reset();
    push_(TheEnd{});
    co_await spoken_.Pop();
  }

 private:
  using Texts = std::vector<std::string>;
  // Something of the stream; with an error where it is kFailed.
  struct News {
    StreamEvent event;
    std::optional<base::Error> error;
  };
  // Everything before it has been sent.
  struct Sent {
    net::Callback<Done> done;
  };
  struct Goodbye {
    std::string text;
    std::string reason;
  };
  struct TheEnd {};
  using Outgoing = std::variant<Texts, News, Sent, Goodbye, TheEnd>;

  // A stream ends by itself when its sound stays away; until there is one, this does it, or whoever connects and says
  // nothing would keep a connection for ever.
  void AwaitFirstSound() {
    first_sound_.expires_after(streams_.idle_limit());
    // The session may be gone when this is called: it touches what it holds only.
    first_sound_.async_wait([push = push_](const boost::system::error_code& cancelled) {
      if (!cancelled) push(Goodbye{"no sound has come since the session began; connect again", "live-idle"});
    });
  }

  net::Task<void> Hear() {
    while (true) {
      Result<net::WebSocketMessage> message = co_await socket_.Read();
      if (!message.ok()) co_return;
      wire::ClientMessage said = wire::DecodeClientEvent(message->bytes, settings_);
      if (!message->is_text) {
        said.event = MakeError(ErrorKind::kInvalid, "realtime-event",
                               "a binary message; sound goes as base64 in input_audio_buffer.append");
      }
      base::Wipe(message->bytes);
      Status done = base::Ok();
      if (said.event.ok()) {
        Status taken = co_await Take(*said.event);
        done = std::move(taken);
      } else {
        done = said.event.error();
      }
      if (!done.ok()) push_(Texts{encoder_.Error(done.error(), said.event_id)});
      std::function<void(net::Callback<Done>)> sent = [this](net::Callback<Done> then) {
        push_(Sent{std::move(then)});
      };
      const Status told = co_await net::AwaitCallback<Done>(sent);
      if (!told.ok()) co_return;
    }
  }

  net::Task<Status> Take(wire::ClientEvent& event) {
    if (auto* update = std::get_if<wire::SessionUpdate>(&event))
      co_return Update(std::move(update->settings));
    if (auto* append = std::get_if<wire::AppendAudio>(&event)) {
      if (stream_ == nullptr) {
        Status started = Start();
        if (!started.ok()) co_return started;
      }
      std::function<void(net::Callback<Done>)> work = [&](net::Callback<Done> done) {
        stream_->Append(std::move(append->audio), std::move(done));
      };
      Status taken = co_await net::AwaitCallback<Done>(work);
      co_return taken;
    }
    const bool commit = std::holds_alternative<wire::CommitAudio>(event);
    if (stream_ == nullptr && commit) {
      co_return MakeError(ErrorKind::kInvalid, "input_audio_buffer_commit_empty",
                          "there is less than 100 ms of speech to commit; append more first");
    }
    Status done = base::Ok();
    if (stream_ != nullptr) {
      std::function<void(net::Callback<Done>)> work = [&](net::Callback<Done> then) {
        commit ? stream_->Commit(std::move(then)) : stream_->Clear(std::move(then));
      };
      done = co_await net::AwaitCallback<Done>(work);
    }
    if (done.ok() && !commit) push_(Texts{encoder_.Cleared()});
    co_return done;
  }

  Status Update(wire::RealtimeSettings settings) {
    wire::RealtimeSettings same = settings;
    same.beta = settings_.beta;
    if (stream_ != nullptr && same != settings_) {
      return MakeError(ErrorKind::kConflict, "realtime-session-started",
                       "the session has heard sound with other settings; connect again to change them",
                       "session");
    }
    const Result<ModelId> id = service::SpeechModelOf(catalogue_, caller_, settings.model);
    // A model may still be named later, before the first sound.
    if (!id.ok() && !settings.model.empty()) return id.error();
    if (id.ok())
      BLINDAI_RETURN_IF_ERROR(StreamTranscription::Check(catalogue_, caller_, *id, RequestOf(settings)));
    settings_ = std::move(settings);
    push_(Texts{encoder_.SessionUpdated(settings_)});
    return base::Ok();
  }

  Status Start() {
    BLINDAI_TRY(const ModelId id, service::SpeechModelOf(catalogue_, caller_, settings_.model));
    BLINDAI_TRY(stream_,
                StreamTranscription::Start(
                    streams_, catalogue_, caller_, id, RequestOf(settings_),
                    [push = push_](StreamEvent event, const base::Error* error) {
                      push(News{std::move(event), error == nullptr ? std::nullopt : std::optional(*error)});
                    },
                    [push = push_](const base::Error& error) {
                      push(Goodbye{error.message, error.code});
                    }));
    first_sound_.cancel();
    return base::Ok();
  }

  net::Task<void> Speak() {
    bool lost = false;
    while (true) {
      Outgoing next = co_await outgoing_.Pop();
      if (std::holds_alternative<TheEnd>(next)) co_return;
      if (const auto* sent = std::get_if<Sent>(&next)) sent->done(Done{});
      Texts texts = TextsOf(next);
      for (std::string& text : texts) {
        if (!lost) {
          const Status said = co_await socket_.SendText(text);
          lost = !said.ok();
        }
        base::Wipe(text.data(), text.size());
      }
      const auto* goodbye = std::get_if<Goodbye>(&next);
      if (goodbye == nullptr || lost) continue;
      lost = true;
      const Status closed = co_await socket_.Close(kNormalEnd, goodbye->reason);
      (void)closed;
    }
  }

  Texts TextsOf(Outgoing& outgoing) {
    if (auto* texts = std::get_if<Texts>(&outgoing)) return std::move(*texts);
    if (auto* goodbye = std::get_if<Goodbye>(&outgoing)) {
      return {encoder_.Error(MakeError(ErrorKind::kDeadline, goodbye->reason, goodbye->text), "")};
    }
    auto* news = std::get_if<News>(&outgoing);
    if (news == nullptr) return {};
    Texts texts = TextsOf(news->event, news->error);
    vocabulary::WipeTexts(news->event.transcript);
    return texts;
  }

  Texts TextsOf(const StreamEvent& event, const std::optional<base::Error>& error) {
    const std::uint64_t item = event.utterance;
    switch (event.kind) {
      case StreamEvent::Kind::kStarted:
        return {encoder_.SpeechStarted(item, event.start_s)};
      case StreamEvent::Kind::kEnded: {
        Texts texts;
        if (settings_.turn_detection) texts.push_back(encoder_.SpeechStopped(item, event.end_s));
        for (std::string& text : encoder_.Committed(item)) texts.push_back(std::move(text));
        return texts;
      }
      case StreamEvent::Kind::kPartial:
        return {encoder_.Partial(item, event.transcript)};
      case StreamEvent::Kind::kSettled:
        return {encoder_.Settled(item, event.transcript, settings_.logprobs)};
      case StreamEvent::Kind::kFinal:
        return encoder_.Completed(item, event.transcript, event.start_s, event.end_s, event.latency_s,
                                  settings_.logprobs);
      case StreamEvent::Kind::kFailed:
        return {
            encoder_.Failed(item, error.value_or(MakeError(ErrorKind::kInternal, "internal", "it failed")))};
    }
    return {};
  }

  const service::ModelCatalogue& catalogue_;
  service::LiveStreams& streams_;
  const service::Caller caller_;
  wire::RealtimeSettings settings_;
  net::WebSocket& socket_;
  const boost::asio::any_io_executor executor_;
  wire::RealtimeEncoder encoder_;
  net::CallbackQueue<Outgoing> outgoing_;
  net::CallbackQueue<Done> spoken_;  // one, when the speaker has ended
  const std::function<void(Outgoing)> push_;
  boost::asio::steady_timer first_sound_;  // fires when it has not come
  std::unique_ptr<StreamTranscription> stream_;
};

class RealtimeEndpoint {
 public:
  RealtimeEndpoint(const service::ModelCatalogue& catalogue, service::LiveStreams& streams,
                   IdentifyCaller identify)
      : catalogue_(catalogue), streams_(streams), identify_(std::move(identify)) {}

  net::Task<void> Serve(net::HttpExchange& exchange) const {
    const Result<service::Caller> caller = Judge(exchange.head());
    if (!caller.ok()) {
      co_await AnswerError(exchange, caller.error());
      co_return;
    }
    net::WebSocketOptions options;
    options.max_message_bytes = wire::kMaxRealtimeMessageBytes;
    const auto asked = exchange.head().headers.Find("Sec-WebSocket-Protocol");
    if (asked && asked->find("realtime") != std::string_view::npos) options.subprotocol = "realtime";
    const Result<std::unique_ptr<net::WebSocket>> socket = co_await exchange.AcceptWebSocket(options);
    if (!socket.ok()) {
      net::HeaderList headers{{"Upgrade", "websocket"}};
      co_await AnswerErrorWith(exchange, 426, socket.error(), headers);
      co_return;
    }
    wire::RealtimeSettings settings;
    settings.model = exchange.head().Query("model").value_or("");
    settings.beta = exchange.head().headers.Find("OpenAI-Beta").has_value();
    const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
    Session session(catalogue_, streams_, *caller, std::move(settings), **socket, executor);
    co_await session.Run();
  }

 private:
  // Who asks, when that may be answered with a session.
  Result<service::Caller> Judge(const net::RequestHead& head) const {
    BLINDAI_TRY(service::Caller caller, identify_(head));
    BLINDAI_RETURN_IF_ERROR(service::RequireRun(caller));
    if (head.Query("intent").value_or("transcription") != "transcription") {
      return MakeError(ErrorKind::kUnsupported, "realtime-unsupported",
                       "this server transcribes and does not converse; ask for intent=transcription",
                       "intent");
    }
    return caller;
  }

  const service::ModelCatalogue& catalogue_;
  service::LiveStreams& streams_;
  const IdentifyCaller identify_;
};

}  // namespace

void RegisterRealtime(Router& router, const service::ModelCatalogue& catalogue, service::LiveStreams& streams,
                      IdentifyCaller identify) {
  const auto endpoint = std::make_shared<const RealtimeEndpoint>(catalogue, streams, std::move(identify));
  router.Add("GET", "/v1/realtime", [endpoint](net::HttpExchange& exchange, const PathArguments&) {
    return endpoint->Serve(exchange);
  });
}

}  // namespace blindai::endpoints
