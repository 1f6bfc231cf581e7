// `blindai live`: sound becomes text while somebody speaks.
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <thread>
#include <utility>
#include <variant>

#include "base/secret.h"
#include "client/failure.h"
#include "client/live_transcription.h"
#include "commands.h"
#include "program/process.h"
#include "protocols/wire/json_fields.h"
#include "sound_source.h"

namespace blindai::cli {
namespace {

using wire::ItemCompleted;
using wire::ItemDelta;
using wire::ItemFailed;
using wire::ItemPartial;
using wire::ItemStarted;
using wire::ItemStopped;
using wire::JsonString;

constexpr std::size_t kPieceBytes = 32 * 1024;

struct LiveWords {
  ServerWords server;
  std::optional<std::string> model;
  std::optional<std::string> command;
  int rate_hz = 16'000;
  std::string encoding = "pcm16";
  std::string format = "text";
  std::optional<std::string> language;
  std::vector<std::string> keywords;
  std::optional<std::string> prompt;
  std::optional<std::string> delay;
  int silence_ms = 500;
  double threshold = 0.5;
};

// The columns of the terminal that partials are shown on; 0: there is none.
std::size_t TerminalColumns() {
  winsize size{};
  return ::isatty(STDERR_FILENO) == 1 && ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

base::Result<client::LiveOptions> OptionsOf(const LiveWords& words) {
  if (words.format != "text" && words.format != "jsonl")
    return client::ArgumentError("--format is neither text nor jsonl", "format");
  if (words.server.json && words.format == "jsonl")
    return client::ArgumentError(
        "--json gives one value at the end, --format jsonl one a line; leave one of them out", "json");
  const auto format = client::LiveFormatFromName(words.encoding, words.rate_hz);
  if (!format) return client::ArgumentError("--encoding is none of pcm16, mulaw, alaw", "encoding");
  client::LiveOptions options;
  options.settings.model = words.model.value_or("");
  options.settings.language = words.language.value_or("");
  options.settings.keywords = words.keywords;
  options.settings.prompt = words.prompt.value_or("");
  if (words.delay) {
    options.settings.delay = wire::RealtimeDelayFromName(*words.delay);
    if (!options.settings.delay)
      return client::ArgumentError("--delay is none of minimal, low, medium, high, xhigh", "delay");
  }
  options.settings.format = *format;
  options.settings.turn_detection =
      wire::TurnDetection{.threshold = words.threshold, .silence_duration_ms = words.silence_ms};
  options.settings.partials = words.format == "jsonl" || TerminalColumns() > 0;
  return options;
}

// ---- What is heard ----

std::string JsonOf(const ItemStarted& event) {
  return fmt::format(R"({{"event":"started","utterance":{},"start":{:.2f}}})", JsonString(event.item_id),
                     event.start_s);
}
std::string JsonOf(const ItemStopped& event) {
  return fmt::format(R"({{"event":"stopped","utterance":{},"end":{:.2f}}})", JsonString(event.item_id),
                     event.end_s);
}
std::string JsonOf(const ItemDelta& event) {
  return fmt::format(R"({{"event":"delta","utterance":{},"text":{}}})", JsonString(event.item_id),
                     JsonString(event.text));
}
std::string JsonOf(const ItemPartial& event) {
  return fmt::format(R"({{"event":"partial","utterance":{},"text":{}}})", JsonString(event.item_id),
                     JsonString(event.text));
}
std::string JsonOf(const ItemFailed& event) {
  return fmt::format(R"({{"event":"failed","utterance":{},"code":{},"message":{}}})",
                     JsonString(event.item_id), JsonString(event.error.code),
                     JsonString(event.error.message));
}
std::string JsonOf(const ItemCompleted& event) {
  std::vector<std::string> words;
  for (const vocabulary::Word& word : event.words) {
    words.push_back(fmt::format(R"({{"word":{},"start":{:.2f},"end":{:.2f},"confidence":{:.3f}}})",
                                JsonString(word.text), word.start_s, word.end_s, word.confidence));
  }
  return fmt::format(
      R"({{"event":"final","utterance":{},"text":{},"start":{:.2f},"end":{:.2f},"latency_ms":{:.0f},"words":[{}]}})",
      JsonString(event.item_id), JsonString(event.text), event.start_s, event.end_s, 1000 * event.latency_s,
      fmt::join(words, ","));
}

// The end of a text that is too long for a line.
std::string_view LastOf(std::string_view text, std::size_t columns) {
  std::size_t from = text.size();
  for (std::size_t count = 0; from > 0; --from) {
    const bool begins = (static_cast<unsigned char>(text[from - 1]) & 0xc0) != 0x80;
    if (begins && ++count > columns) break;
  }
  return text.substr(from);
}

// Says what is heard as the user wants it.
class Teller {
 public:
  explicit Teller(const LiveWords& words) : lines_(words.format == "jsonl"), one_value_(words.server.json) {}

  void Tell(const client::LiveEvent& event) {
    if (const auto* failed = std::get_if<ItemFailed>(&event)) Tell(*failed);
    if (lines_) {
      return Result(std::visit([](const auto& one) { return JsonOf(one); }, event) + "\n");
    }
    if (const auto* delta = std::get_if<ItemDelta>(&event)) Tell(*delta);
    if (const auto* partial = std::get_if<ItemPartial>(&event)) Show(partial->text);
    if (const auto* completed = std::get_if<ItemCompleted>(&event)) Tell(*completed);
  }

  void Clear() { shown_.reset(); }
  // Everything has been said.
  ExitCode End() {
    Clear();
    if (one_value_) Result(fmt::format("{{\"utterances\":[{}]}}\n", fmt::join(finals_, ",")));
    return failed_ ? ExitCode::kFailed : ExitCode::kDone;
  }

 private:
  void Tell(const ItemFailed& failed) {
    failed_ = true;
    shown_.reset();
    EndLine();
    if (!lines_)
      Note(
          fmt::format("blindai: an utterance has no text: {} [{}]", failed.error.message, failed.error.code));
  }

  // What will not change is written at once; the utterance's end ends the line.
  void Tell(const ItemDelta& delta) {
    if (one_value_) return;
    shown_.reset();
    Result(delta.text);
    line_is_open_ = true;
  }

  void Tell(const ItemCompleted& completed) {
    shown_.reset();
    if (one_value_) {
      finals_.push_back(JsonOf(completed));
    } else if (!line_is_open_ && !completed.text.empty()) {
      Result(completed.text + "\n");
    }
    EndLine();
  }

  void EndLine() {
    if (std::exchange(line_is_open_, false)) Result("\n");
  }

  // The line that a final takes the place of.
  void Show(std::string_view partial) {
    constexpr std::size_t kMark = 3;  // the mark, a space, and the last column, which would begin a new line
    const std::size_t columns = TerminalColumns();
    if (columns <= kMark) return;
    if (!shown_) shown_.emplace("…");
    shown_->ShowText(LastOf(partial, columns - kMark));
  }

  const bool lines_;
  const bool one_value_;
  bool failed_ = false;
  bool line_is_open_ = false;
  std::optional<Progress> shown_;
  std::vector<std::string> finals_;
};

// ---- What is said ----

// Sends the sound to its end. What goes wrong with the connection is told by LiveTranscription::Next.
base::Status SendAll(SoundSource& source, client::LiveTranscription& live) {
  base::Bytes piece(kPieceBytes);
  base::Status sent = base::Ok();
  for (bool first = true; sent.ok(); first = false) {
    BLINDAI_TRY(const std::size_t count, source.Read(piece));
    if (count == 0) break;
    const base::ByteView sound = base::ByteView(piece).first(count);
    if (first && base::AsText(sound).starts_with("RIFF")) {
      return client::ArgumentError(
          "the sound begins with the header of a WAV file, and raw samples are wanted "
          "(arecord -t raw, ffmpeg -f s16le); for a whole file use 'blindai transcribe'",
          "command");
    }
    sent = live.Append(sound);
  }
  base::Wipe(piece);
  if (sent.ok()) sent = live.Finish();
  return base::Ok();
}

// Ctrl-C and SIGTERM: the first is noticed where somebody asks, the second ends the program at once.
class StopSignals {
 public:
  StopSignals() : signals_(program::BlockStopSignals()) {}
  bool came() {
    const timespec now{};
    if (!came_ && sigtimedwait(&signals_, nullptr, &now) > 0) {
      came_ = true;
      pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
    }
    return came_;
  }

 private:
  const sigset_t signals_;
  bool came_ = false;
};

// Tells events until everything that was said has its text; `look_up` is called between them.
base::Status TellAll(client::LiveTranscription& live, Teller& teller, const std::function<bool()>& look_up) {
  while (true) {
    look_up();
    BLINDAI_TRY(const std::optional<client::LiveEvent> event, live.Next());
    if (!event) return base::Ok();
    teller.Tell(*event);
  }
}

// Sends and tells at the same time. The error is that of the sound where both end with one.
base::Status Listen(SoundSource& source, client::LiveTranscription& live, Teller& teller,
                    const std::function<bool()>& look_up) {
  base::Status sent = base::Ok();
  std::thread sender([&] {
    sent = SendAll(source, live);
    if (!sent.ok()) live.Cancel();
  });
  const base::Status told = TellAll(live, teller, look_up);
  if (!told.ok()) {
    source.Stop();
    live.Cancel();
  }
  sender.join();
  teller.Clear();
  BLINDAI_RETURN_IF_ERROR(sent);
  BLINDAI_RETURN_IF_ERROR(told);
  return source.Close();
}

ExitCode Live(const LiveWords& words) {
  program::HardenProcess();
  StopSignals signals;
  auto live_options = OptionsOf(words);
  if (!live_options.ok()) return Fail(live_options.error());
  std::unique_ptr<SoundSource> source;
  if (!words.command) {
    auto input = SoundSource::OfStdin();
    if (!input.ok()) return Fail(input.error());
    source = std::move(*input);
  }
  auto options = words.server.Options();
  if (!options.ok()) return Fail(options.error());
  // Before anything is heard a signal ends the waiting, later only the sound.
  bool listening = false;
  options->keep_waiting = [&] {
    if (!signals.came()) return true;
    if (listening) source->Stop();
    return listening;
  };
  const auto look_up = options->keep_waiting;
  client::Client client(*std::move(options));
  auto live = client.TranscribeLive(*live_options);
  if (!live.ok()) return Fail(live.error(), client.verdict());
  if (words.command) {
    auto output = SoundSource::OfCommand(*words.command);
    if (!output.ok()) return Fail(output.error());
    source = std::move(*output);
  }
  listening = true;
  if (TerminalColumns() > 0) Note("listening; Ctrl-C ends it");

  Teller teller(words);
  const base::Status done = Listen(*source, **live, teller, look_up);
  return done.ok() ? teller.End() : Fail(done.error(), client.verdict());
}

}  // namespace

void AddLive(CLI::App& app, ExitCode& code) {
  CLI::App* command = app.add_subcommand("live", "turn sound into text while somebody speaks");
  auto words = std::make_shared<LiveWords>();
  command->add_option("--command", words->command,
                      "a program that records one channel and writes raw samples; without it they come from "
                      "standard input");
  command->add_option("--model", words->model,
                      "the model (default: your default model, or the only one that transcribes)");
  command->add_option("--rate", words->rate_hz, "samples in a second, 8000 to 48000")->capture_default_str();
  command
      ->add_option("--encoding", words->encoding,
                   "of the samples: pcm16 (16 bits, little-endian), or mulaw or alaw (G.711, 8000)")
      ->capture_default_str();
  command
      ->add_option("--format", words->format, "text, a line for each utterance, or jsonl, one for each event")
      ->capture_default_str();
  command->add_option("--language", words->language, "ISO 639-1");
  command->add_option("--keyword", words->keywords, "a word to favour; once for each")
      ->allow_extra_args(false);
  command->add_option("--prompt", words->prompt, "text that steers how a Whisper model writes names");
  command->add_option(
      "--delay", words->delay,
      "words as soon as they will not change any more: minimal, low, medium or high, the longer "
      "the surer; without it, and with xhigh, an utterance's text comes with its end");
  command->add_option("--silence-ms", words->silence_ms, "the silence that ends an utterance")
      ->capture_default_str();
  command->add_option("--threshold", words->threshold, "how loud speech is, 0 to 1; 0.5 is -50 dBFS")
      ->capture_default_str();
  words->server.AddTo(*command);
  command->footer(
      "examples:\n"
      "  blindai live --command 'arecord -q -t raw -f S16_LE -r 16000 -c 1'\n"
      "  ffmpeg -loglevel error -i talk.mp3 -f s16le -ac 1 -ar 16000 - | blindai live --format jsonl\n\n"
      "Ctrl-C ends the sound; what was said until then still becomes text. A second one ends at once");
  command->callback([words, &code] { code = Live(*words); });
}

}  // namespace blindai::cli
