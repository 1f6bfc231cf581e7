// `blindai models upload|list|show|versions|label|delete`.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/clock.h"
#include "client/failure.h"
#include "commands.h"
#include "protocols/wire/model_listing.h"

namespace blindai::cli {
namespace {

using wire::ModelInfo;

std::string SpecText(const vocabulary::TensorSpec& spec) {
  return fmt::format("{} {} {}", spec.name, vocabulary::DatatypeName(spec.datatype),
                     vocabulary::ShapeText(spec.shape));
}

// "1 (stable), 2": the versions with their labels.
std::string VersionsText(const ModelInfo& model) {
  std::string text;
  for (const std::uint64_t version : model.versions) {
    std::string labels;
    for (const auto& [label, number] : model.labels) {
      if (number == version) labels += (labels.empty() ? "" : " ") + label;
    }
    text +=
        (text.empty() ? "" : ", ") + std::to_string(version) + (labels.empty() ? "" : " (" + labels + ")");
  }
  return text;
}

std::string Table(const std::vector<ModelInfo>& models) {
  std::size_t width = std::string_view("MODEL").size();
  for (const ModelInfo& model : models) width = std::max(width, model.id.size());
  std::string out = fmt::format("{:<{}}  {:<8} {:<9} {:>9}  {:<10} {:<20}  {}\n", "MODEL", width, "STATE",
                                "PRECISION", "SIZE", "VISIBLE", "CREATED", "VERSIONS");
  for (const ModelInfo& model : models) {
    out += fmt::format(
        "{:<{}}  {:<8} {:<9} {:>9}  {:<10} {:<20}  {}\n", model.id, width, model.state,
        wire::PrecisionName(model.precision), ByteText(model.bytes), wire::VisibilityName(model.visibility),
        base::FormatTime(base::Time(std::chrono::seconds(model.created))), VersionsText(model));
  }
  return out;
}

std::string Page(const ModelInfo& model) {
  std::string out =
      fmt::format("id          {}\nstate       {}\nkind        {}\nprecision   {}\nvisibility  {}\n",
                  model.id, model.state, wire::ModelKindName(model.kind),
                  wire::PrecisionName(model.precision), wire::VisibilityName(model.visibility));
  out += fmt::format("size        {} ({} bytes)\nsha256      {}\ncreated     {}\nowner       {}\n",
                     ByteText(model.bytes), model.bytes, model.sha256,
                     base::FormatTime(base::Time(std::chrono::seconds(model.created))), model.owned_by);
  out += fmt::format("saved       {}\n", model.saved ? "yes, it survives a restart of the server" : "no");
  out += fmt::format("version     {}\n", model.version);
  if (!model.versions.empty()) {
    out += fmt::format("versions    {}; {} stay\n", VersionsText(model), model.version_policy);
  }
  if (model.is_default) out += "default     yes, of transcriptions that name no model\n";
  if (model.expires_at) {
    out += fmt::format("expires     {}\n",
                       base::FormatTime(base::Time(std::chrono::seconds(*model.expires_at))));
  }
  for (const auto& spec : model.inputs) out += "input       " + SpecText(spec) + "\n";
  for (const auto& spec : model.outputs) out += "output      " + SpecText(spec) + "\n";
  return out;
}

void ShowModel(const ModelInfo& model, bool json) {
  Result(json ? wire::EncodeModelInfo(model) + "\n" : Page(model));
}

struct UploadWords {
  ServerWords server;
  std::string file;
  std::optional<std::string> id;
  std::optional<std::string> precision;
  std::optional<std::string> visibility;
  std::optional<std::string> tenants;
  std::optional<std::string> ttl;
  std::optional<std::string> kind;
  std::optional<std::string> vocab;
  std::optional<std::string> preprocessor;
  std::optional<std::string> language_model;
  std::optional<std::string> versions;
  std::optional<std::string> label;
  std::optional<bool> save;
  bool is_default = false;
};

// The file's name without folder and ending: what people call the model.
std::string Stem(const std::string& path) {
  const std::size_t end = path.find_last_not_of('/');
  if (end != std::string::npos && end + 1 < path.size()) return Stem(path.substr(0, end + 1));
  const std::size_t slash = path.find_last_of('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const std::size_t dot = name.find_last_of('.');
  return dot == std::string::npos || dot == 0 ? name : name.substr(0, dot);
}

// The small files of a speech model: as named, else beside the model under the names that their makers use.
client::SpeechFiles SpeechFilesOf(const UploadWords& words) {
  const auto beside = [&](const std::optional<std::string>& named, const char* usual) {
    return client::FileSource::File(
        named.value_or((std::filesystem::path(words.file).parent_path() / usual).string()));
  };
  client::SpeechFiles files{.vocab = beside(words.vocab, "vocab.json"),
                            .preprocessor = beside(words.preprocessor, "preprocessor_config.json")};
  if (words.language_model) files.language_model = client::FileSource::File(*words.language_model);
  return files;
}

// The model's own file: of a Whisper model the encoder in its folder.
std::string FileOf(const UploadWords& words, wire::ModelKind kind) {
  if (kind != wire::ModelKind::kWhisper || !std::filesystem::is_directory(words.file)) return words.file;
  return (std::filesystem::path(words.file) / client::kWhisperEncoderFile).string();
}

// The line of progress is gone when this returns.
base::Result<wire::ModelInfo> Send(client::Client& client, const std::string& id, const std::string& file,
                                   client::UploadOptions& options) {
  Progress progress("uploading");
  options.progress = [&](std::uint64_t sent, std::uint64_t total) {
    progress.Show(sent, total);
    return true;
  };
  return client.UploadModel(id, client::ModelSource::File(file), options);
}

ExitCode Upload(const UploadWords& words) {
  std::vector<std::pair<std::string, std::string>> query;
  if (words.precision) query.emplace_back("precision", *words.precision);
  if (words.visibility) query.emplace_back("visibility", *words.visibility);
  if (words.tenants) query.emplace_back("tenants", *words.tenants);
  if (words.ttl) query.emplace_back("ttl", *words.ttl);
  if (words.kind) query.emplace_back("kind", *words.kind);
  if (words.is_default) query.emplace_back("default", "true");
  if (words.versions) query.emplace_back("versions", *words.versions);
  if (words.label) query.emplace_back("label", *words.label);
  client::UploadOptions options;
  auto parsed = wire::DecodeUploadQuery(query);
  if (!parsed.ok()) return Fail(parsed.error());
  options.query = *std::move(parsed);
  options.query.save = words.save;
  const std::string file = FileOf(words, options.query.kind);
  if (options.query.kind == wire::ModelKind::kCtcSpeech) options.speech = SpeechFilesOf(words);
  if (options.query.kind == wire::ModelKind::kWhisper)
    options.whisper = client::WhisperFiles::In(std::filesystem::path(file).parent_path().string());
  auto client = words.server.MakeClient();
  if (!client.ok()) return Fail(client.error());
  const auto model = Send(*client, words.id.value_or(Stem(words.file)), file, options);
  if (!model.ok()) return Fail(model.error(), client->verdict());
  ShowModel(*model, words.server.json);
  return ExitCode::kDone;
}

ExitCode List(const ServerWords& words) {
  auto client = words.MakeClient();
  if (!client.ok()) return Fail(client.error());
  const auto models = client->ListModels();
  if (!models.ok()) return Fail(models.error(), client->verdict());
  if (words.json) {
    Result(wire::EncodeModelList(*models) + "\n");
  } else if (models->empty()) {
    Note("no models; `blindai models upload FILE` brings one");
  } else {
    Result(Table(*models));
  }
  return ExitCode::kDone;
}

// A request about one model, and perhaps one version of it.
struct ModelWords {
  ServerWords server;
  std::string id;
  std::string version;
  std::string policy;               // of `versions`
  std::vector<std::string> labels;  // of `label`: "stable=2", "stable="
};

ExitCode Show(const ModelWords& words) {
  auto client = words.server.MakeClient();
  if (!client.ok()) return Fail(client.error());
  const auto model = client->GetModel(words.id, words.version);
  if (!model.ok()) return Fail(model.error(), client->verdict());
  ShowModel(*model, words.server.json);
  return ExitCode::kDone;
}

ExitCode Delete(const ModelWords& words) {
  auto client = words.server.MakeClient();
  if (!client.ok()) return Fail(client.error());
  const auto deleted = client->DeleteModel(words.id, words.version);
  if (!deleted.ok()) return Fail(deleted.error(), client->verdict());
  if (words.server.json) {
    Result(wire::EncodeModelDeleted(*deleted) + "\n");
  } else {
    Note("deleted " + words.id + (words.version.empty() ? "" : ", version " + words.version));
  }
  return ExitCode::kDone;
}

ExitCode Change(const ModelWords& words, const wire::ModelChange& change) {
  auto client = words.server.MakeClient();
  if (!client.ok()) return Fail(client.error());
  const auto model = client->ChangeModel(words.id, change);
  if (!model.ok()) return Fail(model.error(), client->verdict());
  ShowModel(*model, words.server.json);
  return ExitCode::kDone;
}

ExitCode ChangePolicy(const ModelWords& words) {
  auto policy = vocabulary::VersionPolicy::Parse(words.policy);
  if (!policy.ok()) return Fail(policy.error());
  return Change(words, {.versions = *std::move(policy)});
}

ExitCode ChangeLabels(const ModelWords& words) {
  wire::ModelChange change;
  for (const std::string& word : words.labels) {
    const std::size_t equals = std::min(word.find('='), word.size());
    const std::string label = word.substr(0, equals);
    const std::string text = equals == word.size() ? "?" : word.substr(equals + 1);
    const std::uint64_t number = vocabulary::VersionNumber(text);
    if (!vocabulary::IsVersionLabel(label) || (number == 0 && !text.empty())) {
      return Fail(client::ArgumentError(
          "a label is set as stable=2, and taken away as stable= ; it is a lower-case letter and up to 31 of "
          "those, digits, '_' and '-'",
          "label"));
    }
    change.labels[label] = number == 0 ? std::nullopt : std::optional(number);
  }
  return Change(words, change);
}

}  // namespace

void AddModels(CLI::App& app, ExitCode& code) {
  CLI::App* models = app.add_subcommand("models", "upload, list, show, version and delete models");
  models->require_subcommand(1);
  models->footer(
      "examples:\n"
      "  blindai models upload resnet.onnx --id demo --versions latest:2 --label stable\n"
      "  blindai models list");

  CLI::App* upload = models->add_subcommand("upload", "upload an ONNX model");
  auto upload_words = std::make_shared<UploadWords>();
  upload->add_option("FILE", upload_words->file, "the model: an ONNX file; with whisper a folder of them")
      ->required();
  upload->add_option("--id", upload_words->id,
                     "its name on the server (default: the file's name without its ending)");
  upload->add_option("--precision", upload_words->precision, "f32 or bf16 (default: the server's choice)");
  upload->add_option("--visibility", upload_words->visibility, "private, link, tenants or public");
  upload->add_option("--tenants", upload_words->tenants,
                     "who may run it, with --visibility tenants: names separated by commas");
  upload->add_option("--ttl", upload_words->ttl, "seconds after which the server deletes it");
  upload->add_option(
      "--kind", upload_words->kind,
      "tensor (default), ctc-speech (a wav2vec2 model that transcribes) or whisper (a folder as Hugging "
      "Face's optimum exports it)");
  upload->add_option("--vocab", upload_words->vocab,
                     "its characters, with ctc-speech (default: vocab.json beside FILE)");
  upload->add_option("--preprocessor", upload_words->preprocessor,
                     "its sound, with ctc-speech (default: preprocessor_config.json beside FILE)");
  upload->add_option("--language-model", upload_words->language_model,
                     "an ARPA file or KenLM's binary of it (probing) that weighs its words, with ctc-speech "
                     "(default: none)");
  upload->add_option("--versions", upload_words->versions,
                     "which versions are served then: latest (the highest), latest:N, specific:1,3 or all "
                     "(default: as before, and of a new model latest)");
  upload->add_option("--label", upload_words->label,
                     "a name for this version, which stays as long as it has one");
  upload->add_flag("--default", upload_words->is_default,
                   "your transcriptions that name no model use it, with ctc-speech or whisper");
  upload->add_flag("--save,!--no-save", upload_words->save, "keep it, sealed, when the server restarts");
  upload_words->server.AddTo(*upload);
  upload->footer(
      "examples:\n"
      "  blindai models upload resnet.onnx --id demo --precision bf16\n"
      "  blindai models upload wav2vec2/model.onnx --id speech --kind ctc-speech\n"
      "  blindai models upload whisper-tiny-en --kind whisper --default");
  upload->callback([upload_words, &code] { code = Upload(*upload_words); });

  CLI::App* list = models->add_subcommand("list", "the models that you may use");
  auto list_words = std::make_shared<ServerWords>();
  list_words->AddTo(*list);
  list->footer("example:\n  blindai models list --addr localhost --simulation --json");
  list->callback([list_words, &code] { code = List(*list_words); });

  const auto add = [&](const char* name, const char* what, const char* example, auto run) {
    CLI::App* command = models->add_subcommand(name, what);
    auto words = std::make_shared<ModelWords>();
    command->add_option("MODEL", words->id, "the model's id")->required();
    words->server.AddTo(*command);
    command->footer(fmt::format("example:\n  blindai models {} {}", name, example));
    command->callback([words, run, &code] { code = run(*words); });
    return std::pair(command, words);
  };
  const auto [show, show_words] = add("show", "one model: its inputs, outputs and digest", "demo", Show);
  show->add_option("--version", show_words->version, "a number or a label (default: the highest)");
  const auto [versions, versions_words] =
      add("versions", "say which versions of a model are served", "demo latest:2", ChangePolicy);
  versions
      ->add_option(
          "POLICY", versions_words->policy,
          "latest (the highest), latest:N, specific:1,3 or all; one that a label names stays in any case")
      ->required();
  const auto [label, label_words] =
      add("label", "name versions of a model, in one step", "demo stable=2 canary=", ChangeLabels);
  label->add_option("LABEL", label_words->labels, "stable=2 sets it, stable= takes it away")->required();
  const auto [remove, remove_words] =
      add("delete", "delete a model, or one version of it", "demo --version 2", Delete);
  remove->add_option("--version", remove_words->version, "a number or a label (default: all versions)");
}

}  // namespace blindai::cli
