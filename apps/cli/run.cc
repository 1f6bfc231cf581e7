// `blindai run MODEL`: runs a model on tensors from files or from the command line.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "client/failure.h"
#include "commands.h"
#include "npy.h"
#include "protocols/wire/open_inference_v2.h"

namespace blindai::cli {
namespace {

namespace json = boost::json;
using vocabulary::Tensor;
using vocabulary::TensorSpec;
using vocabulary::TensorView;

// More elements of an output than this are not printed for people.
constexpr std::size_t kShownElements = 32;

base::Error Argument(std::string message, std::string param = "input") {
  return client::ArgumentError(std::move(message), std::move(param));
}

base::Result<base::Bytes> ReadFile(const std::string& path, const std::string& name) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return Argument("the file of input '" + name + "' cannot be read; check its name and its permissions");
  return base::Bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The dimensions of nested lists, from the first element of each level.
vocabulary::Shape ShapeOf(const json::value& value) {
  vocabulary::Shape shape;
  for (const json::value* at = &value; at->is_array(); at = &at->get_array().front()) {
    shape.push_back(static_cast<std::int64_t>(at->get_array().size()));
    if (at->get_array().empty()) break;
  }
  return shape;
}

// JSON numbers become the datatype that the model wants; the protocol's own reader decides what fits.
base::Result<Tensor> FromJson(const TensorSpec& spec, const std::string& text) {
  json::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_array()) return Argument("input '" + spec.name + "' is not a JSON array");
  json::array shape;
  for (const std::int64_t dimension : ShapeOf(value)) shape.push_back(dimension);
  const std::string request =
      fmt::format(R"({{"inputs":[{{"name":{},"datatype":"{}","shape":{},"data":{}}}]}})",
                  json::serialize(json::value(spec.name)), vocabulary::DatatypeName(spec.datatype),
                  json::serialize(shape), text);
  auto decoded = wire::DecodeInferRequest(base::AsBytes(request), std::nullopt, {});
  if (!decoded.ok()) return Argument("input '" + spec.name + "': " + decoded.error().message);
  const TensorView& tensor = decoded->inputs.front().tensor;
  return Tensor{tensor.name, tensor.datatype, tensor.shape, base::CopyBytes(tensor.data)};
}

// "name=file.npy", "name=file.json", "name=[[1,2]]"; without a name where the model has one input.
base::Result<Tensor> ReadInput(const std::string& word, const std::vector<TensorSpec>& specs) {
  const std::size_t equals = word.find('=');
  const bool named = equals != std::string::npos && !word.starts_with('[');
  if (!named && specs.size() != 1) {
    return Argument(fmt::format("the model has {} inputs; say which one: NAME=FILE", specs.size()));
  }
  const std::string name = named ? word.substr(0, equals) : specs.front().name;
  const std::string value = named ? word.substr(equals + 1) : word;
  const TensorSpec* spec = nullptr;
  for (const TensorSpec& candidate : specs) {
    if (candidate.name == name) spec = &candidate;
  }
  if (spec == nullptr) {
    std::string names;
    for (const TensorSpec& candidate : specs) names += (names.empty() ? "" : ", ") + candidate.name;
    return Argument("the model has no input '" + name + "'; it has " + names);
  }
  if (value.starts_with('[')) return FromJson(*spec, value);
  BLINDAI_TRY(const base::Bytes file, ReadFile(value, name));
  if (value.ends_with(".json")) return FromJson(*spec, std::string(base::AsText(file)));
  if (value.ends_with(".npy")) return DecodeNpy(name, file);
  return Argument("the file of input '" + name + "' ends in neither .npy nor .json");
}

base::Result<std::string> AsJson(const client::Prediction& prediction) {
  wire::InferResponse response;
  response.model_name = prediction.model_id();
  for (std::size_t i = 0; i < prediction.size(); ++i)
    response.outputs.push_back({prediction.output(i), false, {}});
  BLINDAI_TRY(const wire::InferBody body, wire::EncodeInferResponse(response));
  return body.json + "\n";
}

// "logits FP32 [1, 3]" and the elements where they are few.
std::string AsText(const client::Prediction& prediction) {
  std::string out;
  for (std::size_t i = 0; i < prediction.size(); ++i) {
    const TensorView& tensor = prediction.output(i);
    out += fmt::format("{} {} {}\n", tensor.name, vocabulary::DatatypeName(tensor.datatype),
                       vocabulary::ShapeText(tensor.shape));
    wire::InferResponse one;
    one.outputs.push_back({tensor, false, {}});
    const auto body = wire::EncodeInferResponse(one);
    const auto count = vocabulary::ElementCount(tensor.shape);
    if (count.ok() && *count <= kShownElements && body.ok()) {
      const std::size_t data = body->json.find("\"data\":") + 7;
      out += "  " + body->json.substr(data, body->json.size() - data - 3) + "\n";
    } else {
      out += "  (--json prints the elements, --output FOLDER saves them)\n";
    }
  }
  return out;
}

base::Status Save(const client::Prediction& prediction, const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  for (std::size_t i = 0; i < prediction.size(); ++i) {
    const TensorView& tensor = prediction.output(i);
    BLINDAI_TRY(const base::Bytes file, EncodeNpy(tensor));
    // A server's name for a tensor never becomes a path: only plain characters stay.
    std::string name = tensor.name;
    for (char& c : name) {
      const bool plain =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
      if (!plain) c = '_';
    }
    const std::filesystem::path path = std::filesystem::path(folder) / fmt::format("{}-{}.npy", i, name);
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
    if (!out.flush())
      return Argument("an output cannot be written to the folder; check it and its permissions", "output");
    Note("saved " + path.string());
  }
  return base::Ok();
}

struct RunWords {
  ServerWords server;
  std::string model;
  std::string version;
  std::vector<std::string> inputs;
  std::optional<std::string> folder;
};

base::Result<client::Prediction> Predict(client::Client& client, const RunWords& words) {
  BLINDAI_TRY(const wire::ModelInfo model, client.GetModel(words.model, words.version));
  std::vector<Tensor> tensors;
  for (const std::string& word : words.inputs) {
    BLINDAI_TRY(Tensor tensor, ReadInput(word, model.inputs));
    tensors.push_back(std::move(tensor));
  }
  const std::vector<TensorView> views(tensors.begin(), tensors.end());
  return client.Predict(words.model, views, {.outputs = {}, .timeout = {}, .version = words.version});
}

ExitCode Run(const RunWords& words) {
  auto client = words.server.MakeClient();
  if (!client.ok()) return Fail(client.error());
  const auto prediction = Predict(*client, words);
  if (!prediction.ok()) return Fail(prediction.error(), client->verdict());
  if (words.folder) {
    const base::Status saved = Save(*prediction, *words.folder);
    if (!saved.ok()) return Fail(saved.error());
  }
  if (words.server.json) {
    const auto text = AsJson(*prediction);
    if (!text.ok()) return Fail(text.error());
    Result(*text);
  } else if (!words.folder) {
    Result(AsText(*prediction));
  }
  return ExitCode::kDone;
}

}  // namespace

void AddRun(CLI::App& app, ExitCode& code) {
  CLI::App* command = app.add_subcommand("run", "run a model on tensors");
  auto words = std::make_shared<RunWords>();
  command->add_option("MODEL", words->model, "the model's id")->required();
  command
      ->add_option("--input", words->inputs, "NAME=FILE.npy, NAME=FILE.json or NAME=[…]; once for each input")
      ->allow_extra_args(false);
  command->add_option("--version", words->version,
                      "of the model: a number or a label (default: the highest)");
  command->add_option("--output", words->folder, "a folder: each output becomes a .npy file in it");
  words->server.AddTo(*command);
  command->footer(
      "examples:\n"
      "  blindai run demo --input audio=speech.npy --output results\n"
      "  blindai run adder --input 'a=[1,2]' --input 'b=[3,4]' --json");
  command->callback([words, &code] { code = Run(*words); });
}

}  // namespace blindai::cli
