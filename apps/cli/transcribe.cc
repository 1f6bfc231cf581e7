// `blindai transcribe FILE…`: recordings become text or subtitles.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>

#include "client/failure.h"
#include "commands.h"

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
  std::vector<std::string> speakers;
  bool words = false;
  bool coverage = false;
};

base::Error Argument(std::string message, std::string param) {
  return base::MakeError(base::ErrorKind::kInvalid, std::string(client::kArgumentCode), std::move(message),
                         std::move(param));
}

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
  request.speaker_names = words.speakers;
  request.words = words.words;
  request.coverage = words.coverage;
  request.format = words.server.json ? TranscriptionFormat::kVerboseJson : TranscriptionFormat::kText;
  if (words.format) {
    const auto format = wire::TranscriptionFormatFromName(*words.format);
    if (!format)
      return Argument("--format is none of text, srt, vtt, json, verbose_json, diarized_json", "format");
    request.format = *format;
  }
  if (words.server.json && !IsJson(request.format))
    return Argument("--json needs a --format of JSON", "format");
  if (words.words && request.format != TranscriptionFormat::kVerboseJson)
    return Argument("--words needs --format verbose_json", "words");
  if (words.coverage && !IsJson(request.format))
    return Argument("--coverage needs a --format of JSON", "coverage");
  if (words.files.size() > 1 && !words.folder) return Argument("several files need --out FOLDER", "out");
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
    if (!seen.insert(place).second) return Argument("two files would be written to " + place.string(), "out");
    places.push_back(std::move(place));
  }
  return places;
}

// Written for its owner's eyes only.
base::Status Save(const std::filesystem::path& place, std::string_view text) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::remove(place, error);
  std::ofstream out(place, std::ios::binary);
  fs::permissions(place, fs::perms::owner_read | fs::perms::owner_write, error);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  if (!out.flush() || error)
    return Argument("it cannot be written to the folder; check it and its permissions", "out");
  return base::Ok();
}

// "12:34 of 60:00 (35x)", over and over.
class TimeProgress {
 public:
  explicit TimeProgress(const std::string& file)
      : progress_("transcribing " + std::filesystem::path(file).filename().string()) {}

  void Show(double done_s, double total_s) {
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started_;
    const double speed = done_s / std::max(taken.count(), 1e-3);
    const std::string total = total_s > 0 ? " of " + Clock(total_s) : "";
    progress_.ShowText(fmt::format("{}{} ({:.0f}x)", Clock(done_s), total, speed));
  }

 private:
  static std::string Clock(double seconds) {
    const auto whole = static_cast<std::int64_t>(std::llround(seconds));
    return fmt::format("{}:{:02}", whole / 60, whole % 60);
  }

  Progress progress_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

base::Result<client::Transcription> TranscribeOne(client::Client& client, const std::string& file,
                                                  const wire::TranscriptionRequest& request) {
  TimeProgress progress(file);
  client::TranscribeOptions options;
  options.request = request;
  options.request.progress = true;
  options.on_event = [&](const wire::TranscriptionEvent& event) {
    if (const auto* now = std::get_if<wire::TranscriptionProgress>(&event))
      progress.Show(now->seconds_done, now->seconds_total);
    return true;
  };
  return client.Transcribe(client::FileSource::File(file), options);
}

ExitCode Transcribe(const TranscribeWords& words) {
  const auto request = RequestOf(words);
  if (!request.ok()) return Fail(request.error());
  const auto places = PlacesOf(words, request->format);
  if (!places.ok()) return Fail(places.error());
  auto client = words.server.MakeClient();
  if (!client.ok()) return Fail(client.error());

  // One that fails does not keep the others from their text; the code is the first failure's.
  ExitCode code = ExitCode::kDone;
  boost::json::array saved;
  for (std::size_t i = 0; i < words.files.size(); ++i) {
    const auto text = TranscribeOne(*client, words.files[i], *request);
    base::Status kept = base::Ok();
    if (!text.ok()) {
      kept = text.error();
    } else if (places->empty()) {
      Result(text->document());
      if (IsJson(request->format)) Result("\n");
    } else {
      kept = Save((*places)[i], text->document());
    }
    if (!kept.ok()) {
      base::Error error = std::move(kept).error();
      const ExitCode failed = Fail(std::move(error).Within(words.files[i]), client->verdict());
      if (code == ExitCode::kDone) code = failed;
    } else if (!places->empty()) {
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
  command->add_option("--model", words->model, "the model (default: the one that transcribes)");
  command->add_option("--format", words->format,
                      "text (default), srt, vtt, json, verbose_json or diarized_json");
  command->add_option("--out", words->folder, "a folder: the text of each FILE becomes a file in it");
  command->add_option("--language", words->language, "ISO 639-1; it is written into verbose_json");
  command->add_option("--keyword", words->keywords, "a word to favour; once for each")
      ->allow_extra_args(false);
  command
      ->add_option("--speaker", words->speakers,
                   "the name of a channel's speaker, in their order; once for each")
      ->allow_extra_args(false);
  command->add_flag("--words", words->words, "the times of words, with verbose_json");
  command->add_flag("--coverage", words->coverage, "what became of each moment, with JSON");
  words->server.AddTo(*command);
  command->footer(
      "examples:\n"
      "  blindai transcribe session.wav --format srt\n"
      "  blindai transcribe monday/*.m4a --format diarized_json --speaker Therapist --speaker Patient --out "
      "texts");
  command->callback([words, &code] { code = Transcribe(*words); });
}

}  // namespace blindai::cli
