#include "service/stream_transcription.h"

#include <atomic>
#include <cmath>
#include <deque>
#include <utility>

#include "model/supervisor.h"
#include "service/recognizer.h"
#include "service/speech_model.h"
#include "speech/chunking.h"
#include "speech/log_mel.h"

namespace blindai::service {
namespace {

// What a recording of the same sound would be asked for with.
TranscribeRequest RecognitionOf(const LiveRequest& live) {
  TranscribeRequest request;
  request.keywords = live.keywords;
  request.language = live.language;
  request.prompt = live.prompt;
  request.needs_words = live.needs_words || live.settle_s.has_value();
  return request;
}

speech::StreamingOptions StreamingOptionsOf(const ModelRecord& record, const LiveRequest& request) {
  speech::StreamingOptions options;
  options.window_samples = speech::ChunkOptions{}.max_samples;
  if (record.whisper != nullptr) {
    // However little was said, a look at it costs a window of half a minute.
    options.window_samples = speech::kWhisperWindow;
    options.look_samples = 16'000;
  }
  options.endpoints = request.endpoints;
  options.partials = request.partials;
  options.settle_s = request.settle_s;
  return options;
}

}  // namespace

using base::ErrorKind;
using base::MakeError;
using base::Result;
using base::Status;
using model::Supervisor;

struct LiveStreams::State {
  explicit State(LiveLimits live_limits) : limits(live_limits) {}
  const LiveLimits limits;
  std::atomic<std::uint64_t> open = 0;
  std::atomic<std::uint64_t> total = 0;
  std::atomic<std::uint64_t> refused = 0;
  std::atomic<std::uint64_t> finals = 0;
  std::atomic<std::uint64_t> failures = 0;
  std::atomic<std::uint64_t> audio_samples = 0;
  std::atomic<std::uint64_t> latency_samples = 0;
};

LiveStreams::LiveStreams(LiveLimits limits) : state_(std::make_shared<State>(limits)) {}

std::chrono::milliseconds LiveStreams::idle_limit() const { return state_->limits.idle_limit; }

LiveStats LiveStreams::stats() const {
  return {.open = state_->open,
          .total = state_->total,
          .refused = state_->refused,
          .finals = state_->finals,
          .failures = state_->failures,
          .audio_s = static_cast<double>(state_->audio_samples) / speech::kModelRateHz,
          .latency_s = static_cast<double>(state_->latency_samples) / speech::kModelRateHz};
}

// One stream. Its state belongs to the supervisor's thread, except the transcriber and the decoder of sound, which are
// used by one offloaded step at a time.
class LiveJob : public std::enable_shared_from_this<LiveJob> {
 public:
  using Taken = StreamTranscription::Taken;

  using Streams = std::shared_ptr<LiveStreams::State>;

  static Result<std::shared_ptr<LiveJob>> Make(const Streams& streams,
                                               std::shared_ptr<const ServedModel> served, Caller caller,
                                               LiveRequest request, StreamTranscription::OnEvent on_event,
                                               StreamTranscription::OnEnd on_end) {
    BLINDAI_TRY(std::unique_ptr<speech::PcmStream> pcm, speech::PcmStream::Make(request.format));
    if (streams->open.fetch_add(1) >= streams->limits.max_streams) {
      --streams->open;
      ++streams->refused;
      return MakeError(ErrorKind::kExhausted, "live-streams-full",
                       "the server has as many live streams as it allows; try again later");
    }
    ++streams->total;
    auto job =
        std::make_shared<LiveJob>(streams, std::move(served), std::move(caller), request, std::move(pcm));
    job->on_event_ = std::move(on_event);
    job->on_end_ = std::move(on_end);
    Supervisor::Instance().Post([job] { job->Watch(); });
    return job;
  }

  LiveJob(Streams streams, std::shared_ptr<const ServedModel> served, Caller caller,
          const LiveRequest& request, std::unique_ptr<speech::PcmStream> pcm)
      : streams_(std::move(streams)),
        served_(std::move(served)),
        caller_(std::move(caller)),
        pcm_(std::move(pcm)),
        transcriber_(
            std::in_place,
            [&record = served_->record, wanted = RecognitionOf(request)] {
              return MakeRecognizer(record, wanted, /*channels=*/1);
            },
            StreamingOptionsOf(served_->record, request)) {}
  ~LiveJob() { WipeInputs(); }
  LiveJob(const LiveJob&) = delete;
  LiveJob& operator=(const LiveJob&) = delete;

  void Take(std::function<Status()> work, Taken taken, bool is_sound) {
    if (ended_) return taken(Ended());
    if (is_sound) last_sound_ = Now();
    inputs_.push_back({std::move(work), std::move(taken), is_sound});
    Pump();
  }

  // On a helper's thread.
  Status Hear(base::SecretBytes& sound) {
    if (transcriber_->full()) {
      return MakeError(ErrorKind::kTooLarge, "input_audio_buffer_full",
                       "half an hour of sound waits for a commit; commit or clear it first");
    }
    std::vector<float> samples = pcm_->Decode(sound.ExposeSecret());
    Feed(samples);
    return base::Ok();
  }
  Status Commit() {
    std::vector<float> rest = pcm_->Flush();
    Feed(rest);
    return transcriber_->Commit();
  }
  Status Clear() {
    std::vector<float> rest = pcm_->Flush();
    base::Wipe(rest);
    transcriber_->Clear();
    return base::Ok();
  }

  void End() { Finish(std::nullopt); }

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Input {
    std::function<Status()> work;
    Taken taken;
    bool is_sound = false;
  };

  static Time Now() { return std::chrono::steady_clock::now(); }
  static base::Error Ended() {
    return MakeError(ErrorKind::kCancelled, "cancelled", "the live stream has ended");
  }

  void Feed(std::vector<float>& samples) {
    transcriber_->Feed(samples);
    streams_->audio_samples += samples.size();
    base::Wipe(samples);
  }

  // Ends the stream when no sound has come for too long.
  void Watch() {
    if (ended_) return;
    if (waiting_ || !inputs_.empty() || !held_.empty()) last_sound_ = Now();
    const Time due = last_sound_ + streams_->limits.idle_limit;
    if (Now() >= due) {
      return Finish(MakeError(ErrorKind::kDeadline, "live-idle",
                              "no sound has come for a while, so the live stream was ended; connect again"));
    }
    timer_ = Supervisor::Instance().At(due, [weak = weak_from_this()] {
      if (const auto held = weak.lock()) held->Watch();
    });
  }

  // Starts the next step when none is under way: the model's answer first, then what came in.
  void Pump() {
    if (busy_ || ended_) return;
    if (answer_) {
      const auto answer = std::make_shared<Result<SpeechTensors>>(std::move(*answer_));
      answer_.reset();
      return Offload([self = shared_from_this(), answer] { return self->TakeAnswer(*answer); }, nullptr);
    }
    if (inputs_.empty() || !held_.empty()) return;
    Input input = std::move(inputs_.front());
    inputs_.pop_front();
    Offload(std::move(input.work), [self = shared_from_this(), taken = std::move(input.taken),
                                    is_sound = input.is_sound](Status status) {
      if (is_sound && status.ok() && self->backlog_ > self->streams_->limits.max_backlog_samples) {
        self->held_.push_back(taken);
      } else {
        taken(std::move(status));
      }
    });
  }

  void Offload(std::function<Status()> work, Taken done) {
    busy_ = true;
    Supervisor::Instance().Offload(
        [self = shared_from_this(), work = std::move(work)] {
          self->status_ = work();
          if (!self->running_) {
            if (auto inputs = self->transcriber_->NextRun()) {
              self->inputs_of_run_ = std::move(*inputs);
              self->running_ = true;
            }
          }
          self->events_ = self->transcriber_->TakeEvents();
          self->backlog_ = self->transcriber_->backlog_samples();
        },
        [self = shared_from_this(), done = std::move(done)] { self->OnWorked(done); });
  }

  // On a helper's thread. An answer that cannot be used counts as no answer.
  Status TakeAnswer(const Result<SpeechTensors>& answer) {
    running_ = false;
    Status taken = answer.ok() ? transcriber_->TakeAnswer(answer->tensors()) : answer.error();
    if (taken.ok()) return base::Ok();
    failure_ = taken.error();
    transcriber_->DropRun();
    return base::Ok();
  }

  void OnWorked(const Taken& done) {
    busy_ = false;
    if (done != nullptr) done(ended_ ? Status(Ended()) : std::move(status_));
    if (ended_) return Release();
    for (StreamEvent& event : std::exchange(events_, {})) Tell(std::move(event));
    if (backlog_ <= streams_->limits.max_backlog_samples) {
      for (const Taken& taken : std::exchange(held_, {})) taken(base::Ok());
    }
    if (!inputs_of_run_.empty()) Run();
    Pump();
  }

  void Tell(StreamEvent event) {
    const bool failed = event.kind == StreamEvent::Kind::kFailed;
    if (failed) ++streams_->failures;
    if (event.kind == StreamEvent::Kind::kFinal) {
      ++streams_->finals;
      streams_->latency_samples +=
          static_cast<std::uint64_t>(std::llround(event.latency_s * speech::kModelRateHz));
    }
    if (on_event_) on_event_(std::move(event), failed ? &failure_ : nullptr);
  }

  void Run() {
    waiting_ = true;
    ticket_ =
        RunSpeech(*served_, caller_, std::exchange(inputs_of_run_, {}), Now() + streams_->limits.run_deadline,
                  [self = shared_from_this()](Result<SpeechTensors> answer) {
                    self->waiting_ = false;
                    if (self->ended_) return;
                    self->answer_.emplace(std::move(answer));
                    self->Pump();
                  });
  }

  void Finish(std::optional<base::Error> why) {
    if (std::exchange(ended_, true)) return;
    --streams_->open;
    ticket_.Cancel();
    Supervisor::Instance().CancelTimer(timer_);
    for (const Taken& taken : std::exchange(held_, {})) taken(Ended());
    for (const Input& input : std::exchange(inputs_, {})) input.taken(Ended());
    on_event_ = nullptr;
    const auto on_end = std::exchange(on_end_, nullptr);
    if (!busy_) Release();
    if (why && on_end) on_end(std::move(*why));
  }

  // Everything that somebody said goes now, not when the last run that was cancelled has answered.
  void Release() {
    transcriber_.reset();
    pcm_.reset();
    events_.clear();
    answer_.reset();
    WipeInputs();
  }
  void WipeInputs() {
    for (vocabulary::Tensor& tensor : inputs_of_run_) base::Wipe(tensor.data);
    inputs_of_run_.clear();
  }

  const Streams streams_;
  const std::shared_ptr<const ServedModel> served_;
  const Caller caller_;
  StreamTranscription::OnEvent on_event_;
  StreamTranscription::OnEnd on_end_;
  bool ended_ = false;
  bool busy_ = false;  // a step is offloaded
  std::deque<Input> inputs_;
  std::vector<Taken> held_;  // of sound that was heard while the model was behind
  Time last_sound_ = Now();
  Supervisor::TimerId timer_;
  model::ModelHost::Ticket ticket_;
  bool waiting_ = false;  // for the model's answer
  std::optional<Result<SpeechTensors>> answer_;

  // Of the step that is offloaded, or its outcome.
  std::unique_ptr<speech::PcmStream> pcm_;
  std::optional<speech::StreamingTranscriber> transcriber_;
  bool running_ = false;  // the model has a run, or will get that of inputs_of_run_
  std::vector<vocabulary::Tensor> inputs_of_run_;
  std::vector<StreamEvent> events_;
  std::int64_t backlog_ = 0;
  Status status_ = base::Ok();
  base::Error failure_;
};

StreamTranscription::StreamTranscription(std::shared_ptr<LiveJob> job) : job_(std::move(job)) {}

StreamTranscription::~StreamTranscription() {
  Supervisor::Instance().Post([job = job_] { job->End(); });
}

Status StreamTranscription::Check(const ModelCatalogue& catalogue, const Caller& caller,
                                  const vocabulary::ModelId& id, const LiveRequest& request) {
  BLINDAI_TRY(const std::shared_ptr<const ServedModel> served, FindSpeechModel(catalogue, caller, id));
  BLINDAI_RETURN_IF_ERROR(CheckRecognition(served->record, RecognitionOf(request)));
  BLINDAI_TRY(const std::unique_ptr<speech::PcmStream> pcm, speech::PcmStream::Make(request.format));
  return base::Ok();
}

Result<std::unique_ptr<StreamTranscription>> StreamTranscription::Start(
    LiveStreams& streams, const ModelCatalogue& catalogue, const Caller& caller,
    const vocabulary::ModelId& id, LiveRequest request, OnEvent on_event, OnEnd on_end) {
  BLINDAI_TRY(std::shared_ptr<const ServedModel> served, FindSpeechModel(catalogue, caller, id));
  BLINDAI_RETURN_IF_ERROR(served->CountRequest(caller));
  BLINDAI_RETURN_IF_ERROR(CheckRecognition(served->record, RecognitionOf(request)));
  BLINDAI_TRY(auto job, LiveJob::Make(streams.state_, std::move(served), caller, std::move(request),
                                      std::move(on_event), std::move(on_end)));
  return std::unique_ptr<StreamTranscription>(new StreamTranscription(std::move(job)));
}

void StreamTranscription::Append(base::SecretBytes sound, Taken taken) {
  const auto held = std::make_shared<base::SecretBytes>(std::move(sound));
  Supervisor::Instance().Post([job = job_, held, taken = std::move(taken)]() mutable {
    auto* const raw = job.get();
    job->Take([raw, held] { return raw->Hear(*held); }, std::move(taken), true);
  });
}

void StreamTranscription::Commit(Taken done) {
  Supervisor::Instance().Post([job = job_, done = std::move(done)]() mutable {
    auto* const raw = job.get();
    job->Take([raw] { return raw->Commit(); }, std::move(done), false);
  });
}

void StreamTranscription::Clear(Taken done) {
  Supervisor::Instance().Post([job = job_, done = std::move(done)]() mutable {
    auto* const raw = job.get();
    job->Take([raw] { return raw->Clear(); }, std::move(done), false);
  });
}

}  // namespace blindai::service
