#include "gateway/wyoming_door.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/ascii.h"
#include "crypto/random.h"
#include "encoding/hex.h"
#include "gateway/forward.h"
#include "gateway/grpc_door.h"
#include "protocols/wire/errors.h"
#include "protocols/wire/multipart.h"
#include "protocols/wire/openai_audio_events.h"
#include "protocols/wire/openai_audio_request.h"
#include "protocols/wire/wyoming.h"

namespace blindai::gateway {
namespace {

using base::AsBytes;
using base::ByteView;
using base::Error;
using base::ErrorKind;
using base::MakeError;
using base::Result;
using base::Status;
using wire::WyomingEvent;

constexpr std::chrono::hours kUtteranceTimeout{4};
constexpr std::chrono::seconds kListTimeout{30};
constexpr std::uint64_t kMaxListBytes = std::uint64_t{8} << 20;
constexpr std::size_t kBlock = 16 * 1024;
constexpr std::size_t kBoundaryBytes = 16;
constexpr std::size_t kMaxRefusalBytes = 64 * 1024;

// "en" of "en-US".
std::string LanguageOf(const std::string& tag) {
  return base::LowerCase(tag.substr(0, tag.find_first_of("-_")));
}

// Whoever asks what is here sees what a person would see on the page.
std::string DescriptionOf(State state) {
  if (state == State::kTrusted) return "A verified confidential server";
  return "Simulation: the server's evidence is simulated and protects nothing";
}

// ---- One connection ----

class Conversation {
 public:
  Conversation(net::HttpExchange& exchange, const WyomingOptions& options, Upstream& upstream)
      : exchange_(exchange), options_(options), upstream_(upstream) {}

  net::Task<void> Run() {
    exchange_.OnDisconnect([this] {
      if (running_ != nullptr) running_->Cancel();
    });
    Status done = base::Ok();
    while (done.ok()) {
      Result<WyomingEvent> event = co_await NextEvent();
      if (event.ok()) {
        Status handled = co_await Handle(*event);
        done = std::move(handled);
      } else {
        done = std::move(event).error();
      }
    }
    if (exchange_.disconnected()) co_return;
    const std::string text = wire::EncodeWyomingError(done.error());
    const Status told = co_await exchange_.Write(AsBytes(text));
    (void)told.ok();
  }

 private:
  net::Task<Result<WyomingEvent>> NextEvent() {
    while (true) {
      Result<std::optional<WyomingEvent>> event = reader_.Next();
      if (!event.ok()) co_return std::move(event).error();
      if (*event) co_return **std::move(event);
      base::SecretBytes block(kBlock);
      const std::span<std::uint8_t> space = block.ExposeSecretForWriting();
      const Result<std::size_t> count = co_await exchange_.ReadBody(space);
      if (!count.ok()) co_return count.error();
      reader_.Feed(block.ExposeSecret().first(*count));
    }
  }

  net::Task<Status> Tell(const std::string& event) {
    Status written = co_await exchange_.Write(AsBytes(event));
    co_return written;
  }

  net::Task<Status> Handle(WyomingEvent& event) {
    if (std::holds_alternative<wire::WyomingDescribe>(event)) {
      Status described = co_await Describe();
      co_return described;
    }
    if (const auto* ping = std::get_if<wire::WyomingPing>(&event)) {
      const std::string pong = wire::EncodeWyomingPong(*ping);
      Status told = co_await Tell(pong);
      co_return told;
    }
    if (auto* asks = std::get_if<wire::WyomingTranscribe>(&event)) {
      asked_ = std::move(*asks);
    } else if (const auto* start = std::get_if<wire::WyomingAudioStart>(&event)) {
      Status transcribed = co_await Transcribe(start->sound);
      co_return transcribed;
    } else if (std::holds_alternative<wire::WyomingAudioChunk>(event)) {
      co_return MakeError(ErrorKind::kInvalid, "wyoming-order", "sound comes after audio-start");
    }
    co_return base::Ok();
  }

  // A verified connection, or why there is none. A new one each time: a kept one may have been closed in this
  // moment, and what was spoken cannot be sent twice.
  net::Task<Result<Upstream::Lease>> Take() {
    Result<Upstream::Lease> lease = co_await upstream_.Take(IdleIsFine::kNo);
    if (!lease.ok() && !upstream_.standing().usable()) co_return WhyNotWithFindings(upstream_.standing());
    co_return std::move(lease);
  }

  net::Task<Result<net::HttpResponse>> Send(Upstream::Lease& lease, net::HttpRequest& request) {
    if (exchange_.disconnected())
      co_return MakeError(ErrorKind::kCancelled, "cancelled", "nobody waits for it");
    AddKey(request.headers, upstream_.server());
    running_ = lease.http.get();
    Result<net::HttpResponse> response = co_await lease.http->Send(request);
    running_ = nullptr;
    co_return std::move(response);
  }

  net::Task<Result<std::vector<wire::ModelInfo>>> ListModels() {
    Result<Upstream::Lease> lease = co_await Take();
    if (!lease.ok()) co_return std::move(lease).error();
    net::HttpRequest request;
    request.target = "/v1/models";
    request.timeout = kListTimeout;
    request.max_response_bytes = kMaxListBytes;
    Result<net::HttpResponse> response = co_await Send(*lease, request);
    upstream_.Give(*std::move(lease));
    if (!response.ok()) co_return ConnectionBroke();
    if (response->status != 200) co_return wire::DecodeError(response->status, response->body);
    co_return wire::DecodeModelList(response->body);
  }

  net::Task<Status> Describe() {
    Result<std::vector<wire::ModelInfo>> models = co_await ListModels();
    if (!models.ok()) co_return std::move(models).error();
    wire::WyomingInfo info;
    info.models = *std::move(models);
    info.languages = options_.languages;
    info.description = DescriptionOf(upstream_.standing().state);
    const std::string text = wire::EncodeWyomingInfo(info);
    Status told = co_await Tell(text);
    co_return told;
  }

  // Empty: the server's choice.
  const std::string& Model() const { return asked_.model.empty() ? options_.model : asked_.model; }

  net::Task<Status> Transcribe(wire::WyomingSound sound);

  Error ConnectionBroke() const {
    return MakeError(ErrorKind::kUnavailable, "server-connection-lost",
                     "the connection to the server broke before its answer was complete");
  }

  friend class Utterance;

  net::HttpExchange& exchange_;
  const WyomingOptions& options_;
  Upstream& upstream_;
  wire::WyomingReader reader_;
  wire::WyomingTranscribe asked_;
  net::HttpConnection* running_ = nullptr;
};

// What is said between audio-start and audio-stop, as one request whose body grows while it is spoken.
class Utterance {
 public:
  Utterance(Conversation& conversation, wire::WyomingSound sound)
      : conversation_(conversation), sound_(sound) {}

  net::Task<Status> Run(Upstream::Lease& lease, const std::string& model) {
    wire::TranscriptionRequest wanted;
    wanted.model = model;
    wanted.language = LanguageOf(conversation_.asked_.language);
    wanted.stream = true;
    Begin(wanted);
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/v1/audio/transcriptions";
    request.headers.Set("Content-Type", "multipart/form-data; boundary=" + boundary_);
    request.timeout = kUtteranceTimeout;
    request.max_response_bytes = UINT64_MAX;
    request.async_source = [this](std::span<std::uint8_t> into) { return Read(into); };
    request.on_head = [this](const net::HttpResponse& head) { status_ = head.status; };
    request.async_sink = [this](ByteView bytes) { return TakeAnswer(bytes); };
    request.sink_every_status = true;
    const Result<net::HttpResponse> response = co_await conversation_.Send(lease, request);
    if (status_ != 0 && status_ != 200) co_return wire::DecodeError(status_, refusal_);
    if (!response.ok() && response.error().code == "connection-lost" &&
        !conversation_.exchange_.disconnected())
      co_return conversation_.ConnectionBroke();
    if (!response.ok()) co_return response.error();
    if (!has_text_) co_return conversation_.ConnectionBroke();
    co_return base::Ok();
  }

 private:
  // What stands before the samples: the form's fields, and the head of a recording.
  void Begin(const wire::TranscriptionRequest& wanted) {
    std::string head;
    for (const auto& [name, value] : wire::EncodeTranscriptionRequest(wanted)) {
      head += wire::EncodePartHead(boundary_, {name, "", ""});
      head += value + "\r\n";
    }
    head += wire::EncodePartHead(boundary_, {"file", "recording", "audio/wav"});
    base::Bytes bytes = base::CopyBytes(AsBytes(head));
    const base::Bytes wav = wire::StreamedWavHead(sound_);
    bytes.insert(bytes.end(), wav.begin(), wav.end());
    ready_ = base::SecretBytes(std::move(bytes));
  }

  // The next bytes of the body; 0 after its end.
  net::Task<Result<std::size_t>> Read(std::span<std::uint8_t> into) {
    while (taken_ == ready_.size() && !ended_) {
      const Status waited = co_await AwaitSound();
      if (!waited.ok()) co_return waited.error();
    }
    const ByteView rest = ready_.ExposeSecret().subspan(taken_);
    const std::size_t count = std::min(into.size(), rest.size());
    std::copy_n(rest.begin(), count, into.begin());
    taken_ += count;
    co_return count;
  }

  net::Task<Status> AwaitSound() {
    Result<WyomingEvent> event = co_await conversation_.NextEvent();
    if (!event.ok()) co_return std::move(event).error();
    if (auto* chunk = std::get_if<wire::WyomingAudioChunk>(&*event)) {
      if (chunk->sound != sound_)
        co_return MakeError(ErrorKind::kInvalid, "wyoming-order",
                            "the sound's format changed while it was spoken");
      ready_ = std::move(chunk->samples);
      taken_ = 0;
    } else if (std::holds_alternative<wire::WyomingAudioStop>(*event)) {
      ended_ = true;
      ready_ = base::SecretBytes::CopyOf(AsBytes("\r\n" + wire::EncodeMultipartEnd(boundary_)));
      taken_ = 0;
    } else if (!std::holds_alternative<wire::WyomingOther>(*event)) {
      co_return MakeError(ErrorKind::kInvalid, "wyoming-order", "until audio-stop only sound comes");
    }
    co_return base::Ok();
  }

  net::Task<Status> TakeAnswer(ByteView bytes) {
    if (status_ != 200) {
      const std::size_t room = kMaxRefusalBytes - std::min(kMaxRefusalBytes, refusal_.size());
      const ByteView kept = bytes.first(std::min(bytes.size(), room));
      refusal_.insert(refusal_.end(), kept.begin(), kept.end());
      co_return base::Ok();
    }
    const Status read = events_.Feed(bytes);
    if (!read.ok()) co_return read;
    const std::string text = std::exchange(to_tell_, {});
    if (text.empty()) co_return base::Ok();
    Status told = co_await conversation_.Tell(text);
    co_return told;
  }

  Status TakeEvent(std::string_view data) {
    BLINDAI_TRY(const wire::TranscriptionEvent event, wire::DecodeTranscriptionEvent(data));
    const auto* delta = std::get_if<wire::TextDelta>(&event);
    const auto* done = std::get_if<wire::TextDone>(&event);
    if ((delta != nullptr || done != nullptr) && !std::exchange(has_begun_, true))
      to_tell_ += wire::EncodeWyomingTranscriptStart();
    if (delta != nullptr) to_tell_ += wire::EncodeWyomingTranscriptChunk(delta->delta);
    if (done != nullptr) {
      has_text_ = true;
      to_tell_ +=
          wire::EncodeWyomingTranscript(done->text, StateName(conversation_.upstream_.standing().state));
      to_tell_ += wire::EncodeWyomingTranscriptStop();
    }
    return base::Ok();
  }

  Conversation& conversation_;
  const wire::WyomingSound sound_;
  const std::string boundary_ = "blindai-" + encoding::HexEncode(crypto::RandomBytes(kBoundaryBytes));
  base::SecretBytes ready_;  // the next bytes of the body
  std::size_t taken_ = 0;    // of them
  bool ended_ = false;       // they are the last ones
  int status_ = 0;           // of the answer, once its head is there
  base::Bytes refusal_;      // an answer that is none
  wire::EventStreamReader events_{[this](std::string_view data) { return TakeEvent(data); }};
  std::string to_tell_;
  bool has_begun_ = false;
  bool has_text_ = false;
};

net::Task<Status> Conversation::Transcribe(wire::WyomingSound sound) {
  Result<Upstream::Lease> lease = co_await Take();
  if (!lease.ok()) co_return std::move(lease).error();
  Utterance utterance(*this, sound);
  Status done = co_await utterance.Run(*lease, Model());
  upstream_.Give(*std::move(lease));
  asked_ = {};
  co_return done;
}

}  // namespace

net::Task<void> WyomingDoor::Handle(net::HttpExchange& exchange) {
  Conversation conversation(exchange, options_, upstream_);
  co_await conversation.Run();
}

}  // namespace blindai::gateway
