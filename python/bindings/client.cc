// Binds client/client.h and client/settings.h. Every blocking call runs without the GIL, and looks at
// Python's signals about ten times a second, so that Ctrl-C ends it.
#include "client/client.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <utility>

#include "bindings.h"
#include "client/settings.h"

namespace blindai::python {
namespace nb = nanobind;
using namespace nb::literals;
using client::Client;
using client::Prediction;

namespace {

using ByteArray = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// Runs a call of the client without the GIL and turns its error into an exception.
template <typename Call>
auto Blocking(Client& client, Call call) {
  auto result = [&] {
    const nb::gil_scoped_release no_gil;
    return call();
  }();
  ThrowPending();
  if (!result.ok()) {
    std::optional<verifier::Verdict> verdict = client.verdict();
    Raise(result.error(), verdict ? nb::cast(*std::move(verdict)) : nb::none());
  }
  return *std::move(result);
}

std::chrono::milliseconds Milliseconds(double seconds, const char* name) {
  constexpr double kLongestSeconds = 1e6;
  if (!(seconds > 0 && seconds <= kLongestSeconds)) {
    throw nb::value_error((std::string(name) + " must be a number of seconds above 0").c_str());
  }
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000) + 1);
}

Client MakeClient(std::optional<std::string> addr, std::optional<std::string> api_key,
                  std::optional<std::string> policy, std::optional<bool> simulation,
                  std::vector<std::string> roots, double connect_timeout, double timeout,
                  std::size_t max_connections) {
  client::ConnectArguments arguments;
  arguments.addr = std::move(addr);
  arguments.api_key = std::move(api_key);
  arguments.policy_file = std::move(policy);
  arguments.simulation = simulation;
  arguments.root_files = std::move(roots);
  auto options = client::ResolveOptions(arguments, client::Surroundings::OfProcess());
  if (!options.ok()) Raise(options.error());
  options->connect_timeout = Milliseconds(connect_timeout, "connect_timeout");
  options->request_timeout = Milliseconds(timeout, "timeout");
  if (max_connections == 0) throw nb::value_error("max_connections must be 1 or more");
  options->max_connections = max_connections;
  options->keep_waiting = MayGoOn;
  return Client(*std::move(options));
}

// A path, or the bytes of a one-dimensional uint8 array, which must outlive it.
client::FileSource MakeSource(const nb::object& file) {
  if (nb::isinstance<nb::str>(file)) return client::FileSource::File(nb::cast<std::string>(file));
  const auto array = nb::cast<ByteArray>(file);
  return client::FileSource::Memory(base::ByteView(array.data(), array.size()));
}

// Calls `progress(sent, total)` on the calling thread. What it raises ends the upload.
std::function<bool(std::uint64_t, std::uint64_t)> MakeProgress(const nb::object& progress) {
  if (progress.is_none()) return nullptr;
  return [&progress](std::uint64_t sent, std::uint64_t total) {
    const nb::gil_scoped_acquire gil;
    if (PyErr_Occurred() != nullptr) return false;
    try {
      progress(sent, total);
    } catch (nb::python_error& error) {
      KeepPending(error);
      return false;
    }
    return true;
  };
}

// The model, and the connection that it went over (client/connection_record.h).
using Uploaded = std::pair<wire::ModelInfo, std::string>;

// `query` holds the words of the upload's query; `vocab`, `preprocessor` and perhaps `language_model` come with a CTC
// model. A Whisper model is its folder.
Uploaded Upload(Client& self, const std::string& model_id, const nb::object& model,
                const std::map<std::string, std::string>& query, const nb::object& vocab,
                const nb::object& preprocessor, const nb::object& language_model,
                const nb::object& progress) {
  const std::vector<std::pair<std::string, std::string>> words(query.begin(), query.end());
  auto decoded = wire::DecodeUploadQuery(words);
  if (!decoded.ok()) throw nb::value_error(decoded.error().message.c_str());
  client::UploadOptions options;
  options.query = *std::move(decoded);
  if (options.query.kind == wire::ModelKind::kCtcSpeech) {
    options.speech = client::SpeechFiles{MakeSource(vocab), MakeSource(preprocessor)};
    if (!language_model.is_none()) options.speech->language_model = MakeSource(language_model);
  }
  options.progress = MakeProgress(progress);
  const bool is_whisper = options.query.kind == wire::ModelKind::kWhisper;
  client::ModelSource source = is_whisper ? client::ModelSource() : MakeSource(model);
  if (is_whisper) {
    const auto folder = nb::cast<std::string>(model);
    options.whisper = client::WhisperFiles::In(folder);
    source = client::ModelSource::File(folder + "/" + client::kWhisperEncoderFile);
  }
  std::shared_ptr<const client::ConnectionRecord> connection;
  options.connection = &connection;
  wire::ModelInfo uploaded = Blocking(self, [&] { return self.UploadModel(model_id, source, options); });
  return {std::move(uploaded), client::EncodeRecord(*connection)};
}

// `labels` are numbers of versions; 0 takes a label away. Words that cannot be sent are ValueErrors.
wire::ModelInfo ChangeModel(Client& self, const std::string& model_id,
                            const std::optional<std::string>& versions,
                            const std::map<std::string, std::uint64_t>& labels) {
  wire::ModelChange change;
  if (versions) {
    auto policy = vocabulary::VersionPolicy::Parse(*versions);
    if (!policy.ok()) throw nb::value_error(policy.error().message.c_str());
    change.versions = *std::move(policy);
  }
  for (const auto& [label, number] : labels) {
    if (!vocabulary::IsVersionLabel(label)) throw nb::value_error(vocabulary::kVersionLabelRule.data());
    change.labels[label] = number == 0 ? std::nullopt : std::optional(number);
  }
  return Blocking(self, [&] { return self.ChangeModel(model_id, change); });
}

// An event as (kind, value).
nb::tuple EventTuple(const wire::TranscriptionEvent& event) {
  if (const auto* delta = std::get_if<wire::TextDelta>(&event)) return nb::make_tuple("delta", delta->delta);
  if (const auto* progress = std::get_if<wire::TranscriptionProgress>(&event)) {
    return nb::make_tuple("progress", nb::make_tuple(progress->seconds_done, progress->seconds_total));
  }
  if (const auto* segment = std::get_if<wire::TextSegment>(&event)) {
    return nb::make_tuple("segment",
                          nb::make_tuple(segment->start_s, segment->end_s, segment->text, segment->speaker));
  }
  if (const auto* done = std::get_if<wire::TextDone>(&event)) return nb::make_tuple("done", done->text);
  return nb::make_tuple("other", nb::none());
}

// Calls `on_event(kind, value)` on the calling thread. False, or what it raises, ends the transcription.
std::function<bool(const wire::TranscriptionEvent&)> MakeOnEvent(const nb::object& on_event) {
  if (on_event.is_none()) return nullptr;
  return [&on_event](const wire::TranscriptionEvent& event) {
    const nb::gil_scoped_acquire gil;
    if (PyErr_Occurred() != nullptr) return false;
    try {
      const nb::tuple tuple = EventTuple(event);
      return !on_event(tuple[0], tuple[1]).is(nb::bool_(false));
    } catch (nb::python_error& error) {
      KeepPending(error);
      return false;
    }
  };
}

// `fields` are those of OpenAI's form. Without a model it is the caller's default.
wire::TranscriptionRequest RequestOf(const std::vector<std::pair<std::string, std::string>>& fields) {
  wire::TranscriptionFields form;
  for (const auto& [name, value] : fields) {
    const base::Status taken = form.Take(name, value);
    if (!taken.ok()) throw nb::value_error(taken.error().message.c_str());
  }
  auto request = form.Finish();
  if (!request.ok()) throw nb::value_error(request.error().message.c_str());
  return *std::move(request);
}

// The answer is the document.
nb::bytes Transcribe(Client& self, const nb::object& recording,
                     const std::vector<std::pair<std::string, std::string>>& fields,
                     const nb::object& on_event, double timeout) {
  client::TranscribeOptions options;
  options.request = RequestOf(fields);
  options.on_event = MakeOnEvent(on_event);
  options.timeout = Milliseconds(timeout, "timeout");
  const client::FileSource source = MakeSource(recording);
  const client::Transcription answer = Blocking(self, [&] { return self.Transcribe(source, options); });
  return nb::bytes(answer.document().data(), answer.document().size());
}

// The answer is the job's reference (client/transcription_job.h), as text.
std::string StartJob(Client& self, const nb::object& recording,
                     const std::vector<std::pair<std::string, std::string>>& fields,
                     const nb::object& progress, double timeout) {
  client::TranscribeOptions options;
  options.request = RequestOf(fields);
  options.upload_progress = MakeProgress(progress);
  options.timeout = Milliseconds(timeout, "timeout");
  const client::FileSource source = MakeSource(recording);
  return Blocking(self, [&] { return self.StartJob(source, options); }).ToText();
}

client::JobReference ReferenceOf(const std::string& text) {
  auto reference = client::ParseJobReference(text);
  if (!reference.ok()) throw nb::value_error(reference.error().message.c_str());
  return *std::move(reference);
}

// (status, seconds done, seconds in all or 0)
nb::tuple LookAtJob(Client& self, const std::string& reference) {
  const client::JobReference job = ReferenceOf(reference);
  const wire::AudioJob seen = Blocking(self, [&] { return self.LookAtJob(job); });
  return nb::make_tuple(std::string(wire::AudioJobStatusName(seen.status)), seen.seconds_done,
                        seen.seconds_total);
}

// (document, content type)
nb::tuple FetchJobResult(Client& self, const std::string& reference) {
  const client::JobReference job = ReferenceOf(reference);
  const client::JobResult result = Blocking(self, [&] { return self.FetchJobResult(job); });
  const base::ByteView document = result.document.ExposeSecret();
  return nb::make_tuple(nb::bytes(document.data(), document.size()), result.content_type);
}

std::unique_ptr<client::LiveTranscription> TranscribeLive(Client& self, std::optional<std::string> model,
                                                          std::optional<std::string> language,
                                                          std::vector<std::string> keywords,
                                                          const std::string& format, int rate,
                                                          std::optional<int> silence_ms, double threshold,
                                                          bool partials, std::optional<std::string> prompt,
                                                          const std::optional<std::string>& delay) {
  const client::LiveOptions options =
      MakeLiveOptions(std::move(model), std::move(language), std::move(keywords), format, rate, silence_ms,
                      threshold, partials, std::move(prompt), delay);
  return Blocking(self, [&] { return self.TranscribeLive(options); });
}

// `inputs` are tuples (name, datatype, shape, bytes as a one-dimensional uint8 array).
Prediction Predict(Client& self, const std::string& model_id, const nb::sequence& inputs,
                   const std::vector<std::string>& outputs, std::optional<double> timeout,
                   const std::string& version) {
  std::vector<ByteArray> arrays;  // keeps the elements while the call runs
  std::vector<vocabulary::TensorView> tensors;
  for (const nb::handle entry : inputs) {
    const auto tuple = nb::cast<nb::tuple>(entry);
    const auto datatype = vocabulary::DatatypeFromName(nb::cast<std::string>(tuple[1]));
    if (!datatype) throw nb::value_error("unknown datatype");
    arrays.push_back(nb::cast<ByteArray>(tuple[3]));
    tensors.emplace_back(nb::cast<std::string>(tuple[0]), *datatype,
                         nb::cast<std::vector<std::int64_t>>(tuple[2]),
                         base::ByteView(arrays.back().data(), arrays.back().size()));
  }
  client::PredictOptions options;
  options.outputs = outputs;
  options.version = version;
  if (timeout) options.timeout = Milliseconds(*timeout, "timeout");
  return Blocking(self, [&] { return self.Predict(model_id, tensors, options); });
}

// (name, datatype, shape, bytes): the array is the prediction's own memory and keeps the prediction alive.
nb::list Outputs(nb::handle self) {
  const Prediction& prediction = nb::cast<const Prediction&>(self);
  nb::list outputs;
  for (std::size_t i = 0; i < prediction.size(); ++i) {
    const vocabulary::TensorView& tensor = prediction.output(i);
    // The memory belongs to this prediction alone, so a caller may write to its arrays as to any other array.
    auto* const data = const_cast<std::uint8_t*>(tensor.data.data());
    nb::ndarray<nb::numpy, std::uint8_t, nb::ndim<1>> array(data, {tensor.data.size()}, self);
    outputs.append(nb::make_tuple(tensor.name, std::string(vocabulary::DatatypeName(tensor.datatype)),
                                  nb::tuple(nb::cast(tensor.shape)), array.cast()));
  }
  return outputs;
}

}  // namespace

void BindClient(nb::module_& module) {
  nb::class_<Prediction>(module, "Prediction", "What a model answered; owns the memory of its outputs.")
      .def_prop_ro("model_id", &Prediction::model_id)
      .def("outputs", &Outputs)
      .def(
          "connection", [](const Prediction& self) { return client::EncodeRecord(self.connection()); },
          "What the connection of this answer proved (client/connection_record.h), as text.");

  nb::class_<Client>(module, "Client", "The C++ client (src/client/client.h); blindai.Client wraps it.")
      .def_prop_ro("addr", [](const Client& self) { return self.server().ToText(); })
      .def("connect", [](Client& self) { Blocking(self, [&] { return self.Connect(); }); })
      .def_prop_ro("verdict", &Client::verdict)
      .def("upload_model", &Upload, "model_id"_a, "model"_a, "query"_a, "vocab"_a.none(),
           "preprocessor"_a.none(), "language_model"_a.none(), "progress"_a.none())
      .def("models", [](Client& self) { return Blocking(self, [&] { return self.ListModels(); }); })
      .def(
          "model",
          [](Client& self, const std::string& model_id, const std::string& version) {
            return Blocking(self, [&] { return self.GetModel(model_id, version); });
          },
          "model_id"_a, "version"_a)
      .def("change_model", &ChangeModel, "model_id"_a, "versions"_a.none(), "labels"_a)
      .def(
          "delete_model",
          [](Client& self, const std::string& model_id, const std::string& version) {
            Blocking(self, [&] { return self.DeleteModel(model_id, version); });
          },
          "model_id"_a, "version"_a)
      .def("transcribe", &Transcribe, "recording"_a, "fields"_a, "on_event"_a.none(), "timeout"_a)
      .def("start_job", &StartJob, "recording"_a, "fields"_a, "progress"_a.none(), "timeout"_a)
      .def("job", &LookAtJob, "reference"_a)
      .def("job_result", &FetchJobResult, "reference"_a)
      .def(
          "delete_job",
          [](Client& self, const std::string& reference) {
            const client::JobReference job = ReferenceOf(reference);
            Blocking(self, [&] { return self.DeleteJob(job); });
          },
          "reference"_a)
      .def("transcribe_live", &TranscribeLive, "model"_a.none(), "language"_a.none(), "keywords"_a,
           "format"_a, "rate"_a, "silence_ms"_a.none(), "threshold"_a, "partials"_a, "prompt"_a.none(),
           "delay"_a.none())
      .def("predict", &Predict, "model_id"_a, "inputs"_a, "outputs"_a, "timeout"_a.none(), "version"_a)
      .def("close", &Client::Close, nb::call_guard<nb::gil_scoped_release>());

  module.def("make_client", &MakeClient, "addr"_a.none(), "api_key"_a.none(), "policy"_a.none(),
             "simulation"_a.none(), "roots"_a, "connect_timeout"_a, "timeout"_a, "max_connections"_a);
}

}  // namespace blindai::python
