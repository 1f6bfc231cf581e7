// `blindai transcribe FILE…`: recordings become text or subtitles.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>

#include "client/failure.h"
#include "commands.h"
#include "job_watch.h"
#include "kept_jobs.h"

namespace blindai::cli {
namespace {

using wire::TranscriptionFormat;

struct TranscribeWords {
  ServerWords server;
  std::vector<std::string> files;
  std::optional<std::string> model;
  std::optional<std::string> format;
  std::optional<std::string> folder;
  std::optional<std::string> language;
  std::vector<std::string> keywords;
  std::optional<std::uint32_t> beam_size;
  std::optional<std::string> prompt;
  std::vector<std::string> speakers;
  bool words = false;
  bool coverage = false;
  bool job = false;
  bool detach = false;
};

bool IsJson(TranscriptionFormat format) {
  return format == TranscriptionFormat::kJson || format == TranscriptionFormat::kVerboseJson ||
         format == TranscriptionFormat::kDiarizedJson;
}

std::string_view EndingOf(TranscriptionFormat format) {
  switch (format) {
    case TranscriptionFormat::kText:
      return ".txt";
    case TranscriptionFormat::kSrt:
      return ".srt";
    case TranscriptionFormat::kVtt:
      return ".vtt";
    case TranscriptionFormat::kJson:
    case TranscriptionFormat::kVerboseJson:
    case TranscriptionFormat::kDiarizedJson:
      return ".json";
  }
  return "";
}

// What all files are asked for, checked before one is sent.
base::Result<wire::TranscriptionRequest> RequestOf(const TranscribeWords& words) {
  wire::TranscriptionRequest request;
  request.model = words.model.value_or("");
  request.language = words.language.value_or("");
  request.keywords = words.keywords;
  request.beam_size = words.beam_size;
  request.prompt = words.prompt.value_or("");
  request.speaker_names = words.speakers;
  request.words = words.words;
  request.coverage = words.coverage;
  request.format = words.server.json ? TranscriptionFormat::kVerboseJson : TranscriptionFormat::kText;
  if (words.format) {
    const auto format = wire::TranscriptionFormatFromName(*words.format);
    if (!format)
      return client::ArgumentError("--format is none of text, srt, vtt, json, verbose_json, diarized_json",
                                   "format");
    request.format = *format;
  }
  if (words.server.json && !IsJson(request.format))
    return client::ArgumentError("--json needs a --format of JSON", "format");
  if (words.words && request.format != TranscriptionFormat::kVerboseJson)
    return client::ArgumentError("--words needs --format verbose_json", "words");
  if (words.coverage && !IsJson(request.format))
    return client::ArgumentError("--coverage needs a --format of JSON", "coverage");
  if (words.files.size() > 1 && !words.folder)
    return client::ArgumentError("several files need --out FOLDER", "out");
  return request;
}

// Where each file's text goes; two files may not have the same place.
base::Result<std::vector<std::filesystem::path>> PlacesOf(const TranscribeWords& words,
                                                          TranscriptionFormat format) {
  std::vector<std::filesystem::path> places;
  if (!words.folder) return places;
  std::error_code error;
  std::filesystem::create_directories(*words.folder, error);
  std::set<std::filesystem::path> seen;
  for (const std::string& file : words.files) {
    std::filesystem::path place =
        std::filesystem::path(*words.folder) / std::filesystem::path(file).stem().concat(EndingOf(format));
    if (!seen.insert(place).second)
      return client::ArgumentError("two files would be written to " + place.string(), "out");
    places.push_back(std::move(place));
  }
  return places;
}

base::Result<client::Transcription> TranscribeOne(client::Client& client, const std::string& file,
                                                  const wire::TranscriptionRequest& request) {
  TimeProgress progress("transcribing " + std::filesystem::path(file).filename().string());
  client::TranscribeOptions options;
  options.request = request;
  options.request.progress = true;
  options.upload_progress = [&](std::uint64_t sent, std::uint64_t total) {
    progress.ShowSent(sent, total);
    return true;
  };
  options.on_event = [&](const wire::TranscriptionEvent& event) {
    if (const auto* now = std::get_if<wire::TranscriptionProgress>(&event))
      progress.Show(now->seconds_done, now->seconds_total);
    return true;
  };
  return client.Transcribe(client::FileSource::File(file), options);
}

// The jobs of all files, which go on side by side.
class Jobs {
 public:
  static base::Result<Jobs> Start(client::Client& client, const TranscribeWords& words,
                                  const wire::TranscriptionRequest& request) {
    BLINDAI_TRY(KeptJobs kept, KeptJobs::OfUser());
    Jobs jobs(client, std::move(kept));
    for (const std::string& file : words.files) {
      jobs.started_.push_back(StartAndKeep(client, jobs.kept_, file, request));
      const auto& job = jobs.started_.back();
      if (job.ok() && !words.detach)
        Note("blindai: " + job->id + " goes on if this ends; 'blindai job' takes it up again");
    }
    return jobs;
  }

  base::Result<client::Transcription> Text(std::size_t i, const std::string& file) const {
    BLINDAI_TRY(const client::JobReference job, started_[i]);
    BLINDAI_TRY(client::JobResult result,
                WatchJob(client_, kept_, job, std::filesystem::path(file).filename().string()));
    return client::Transcription(std::move(result.document));
  }
  void Forget(std::size_t i) const { ForgetJob(client_, kept_, *started_[i]); }

  // Their ids, and what became of those that could not be started.
  ExitCode Leave(const TranscribeWords& words) const {
    ExitCode code = ExitCode::kDone;
    boost::json::array ids;
    for (std::size_t i = 0; i < started_.size(); ++i) {
      if (started_[i].ok()) {
        ids.emplace_back(started_[i]->id);
        if (!words.server.json) Result(started_[i]->id + "\n");
        continue;
      }
      base::Error error = started_[i].error();
      const ExitCode failed = Fail(std::move(error).Within(words.files[i]), client_.verdict());
      if (code == ExitCode::kDone) code = failed;
    }
    if (words.server.json) Result(boost::json::serialize(boost::json::object{{"jobs", ids}}) + "\n");
    return code;
  }

 private:
  Jobs(client::Client& client, KeptJobs kept) : client_(client), kept_(std::move(kept)) {}

  client::Client& client_;
  KeptJobs kept_;
  std::vector<base::Result<client::JobReference>> started_;
};

ExitCode Transcribe(const TranscribeWords& words) {
  const auto request = RequestOf(words);
  if (!request.ok()) return Fail(request.error());
  const auto places = PlacesOf(words, request->format);
  if (!places.ok()) return Fail(places.error());
  auto client = words.server.MakeClient();
  if (!client.ok()) return Fail(client.error());
  std::optional<Jobs> jobs;
  if (words.job || words.detach) {
    auto started = Jobs::Start(*client, words, *request);
    if (!started.ok()) return Fail(started.error());
    if (words.detach) return started->Leave(words);
    jobs.emplace(*std::move(started));
  }

  // One that fails does not keep the others from their text; the code is the first failure's.
  ExitCode code = ExitCode::kDone;
  boost::json::array saved;
  for (std::size_t i = 0; i < words.files.size(); ++i) {
    const auto text = jobs ? jobs->Text(i, words.files[i]) : TranscribeOne(*client, words.files[i], *request);
    base::Status kept = base::Ok();
    if (!text.ok()) {
      kept = text.error();
    } else if (places->empty()) {
      Result(text->document());
      if (IsJson(request->format)) Result("\n");
    } else {
      kept = SaveText((*places)[i], text->document());
    }
    if (!kept.ok()) {
      base::Error error = std::move(kept).error();
      const ExitCode failed = Fail(std::move(error).Within(words.files[i]), client->verdict());
      if (code == ExitCode::kDone) code = failed;
      continue;
    }
    if (jobs) jobs->Forget(i);
    if (!places->empty()) {
      saved.emplace_back((*places)[i].string());
      if (!words.server.json) Note("saved " + (*places)[i].string());
    }
  }
  if (words.server.json && !places->empty())
    Result(boost::json::serialize(boost::json::object{{"saved", saved}}) + "\n");
  return code;
}

}  // namespace

void AddTranscribe(CLI::App& app, ExitCode& code) {
  CLI::App* command = app.add_subcommand("transcribe", "turn recordings into text or subtitles");
  auto words = std::make_shared<TranscribeWords>();
  command
      ->add_option("FILE", words->files, "recordings: flac, mp3, mp4, m4a, ogg, opus, webm, wav, aac, aiff")
      ->required();
  command->add_option("--model", words->model,
                      "the model (default: your default model, or the only one that transcribes)");
  command->add_option("--format", words->format,
                      "text (default), srt, vtt, json, verbose_json or diarized_json");
  command->add_option("--out", words->folder, "a folder: the text of each FILE becomes a file in it");
  command->add_option("--language", words->language, "ISO 639-1; it is written into verbose_json");
  command->add_option("--keyword", words->keywords, "a word to favour; once for each")
      ->allow_extra_args(false);
  command
      ->add_option("--beam-size", words->beam_size,
                   "texts that a Whisper model weighs against each other (default 1)")
      ->check(CLI::Range(std::uint32_t{1}, wire::kMaxBeamSize));
  command->add_option("--prompt", words->prompt, "text that steers how a Whisper model writes names");
  command
      ->add_option("--speaker", words->speakers,
                   "the name of a channel's speaker, in their order; once for each")
      ->allow_extra_args(false);
  command->add_flag("--words", words->words, "the times of words, with verbose_json");
  command->add_flag("--coverage", words->coverage, "what became of each moment, with JSON");
  command->add_flag("--job", words->job,
                    "the work goes on at the server if this ends; 'blindai job' takes it up again");
  command->add_flag("--detach", words->detach, "start such a job, say its id, and do not wait for it");
  words->server.AddTo(*command);
  command->footer(
      "examples:\n"
      "  blindai transcribe session.wav --format srt\n"
      "  blindai transcribe monday/*.m4a --format diarized_json --speaker Therapist --speaker Patient --out "
      "texts");
  command->callback([words, &code] { code = Transcribe(*words); });
}

}  // namespace blindai::cli
