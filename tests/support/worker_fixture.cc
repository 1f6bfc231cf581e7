#include "support/worker_fixture.h"

#include <future>

#include "support/paths.h"

namespace blindai::tests {

std::string WorkerProgram() {
  const auto beside = BinaryDir() / "bin" / "blindai-worker";
  return (std::filesystem::exists(beside) ? beside : SourceDir() / "build" / "bin" / "blindai-worker")
      .string();
}

std::string SupportProgram(const std::string& name) {
  return (BinaryDir() / "tests" / "support" / name).string();
}

std::shared_ptr<model::ModelFile> FileOf(base::ByteView bytes) {
  auto file = model::ModelFile::Create(std::uint64_t{1} << 30).value();
  file->Append(bytes).value();
  file->Seal().value();
  return file;
}

model::WorkerOptions TestOptions() {
  model::WorkerOptions options;
  options.worker_program = WorkerProgram();
  options.threads = 2;
  return options;
}

base::Result<std::shared_ptr<model::ModelHost>> StartHost(base::ByteView file, model::WorkerOptions options) {
  std::promise<base::Result<std::shared_ptr<model::ModelHost>>> started;
  model::ModelHost::Start(FileOf(file), std::move(options),
                          [&](auto host) { started.set_value(std::move(host)); });
  return started.get_future().get();
}

base::Result<model::RunAnswer> RunOn(model::ModelHost& host, model::RunRequest request) {
  std::promise<base::Result<model::RunAnswer>> done;
  host.Run(std::move(request), [&](auto answer) { done.set_value(std::move(answer)); });
  return done.get_future().get();
}

base::Result<model::RunAnswer> RunOn(model::ModelHost& host, std::vector<vocabulary::Tensor> inputs,
                                     std::vector<std::string> outputs) {
  auto request = model::RunRequest::Of(std::move(inputs));
  request.outputs = std::move(outputs);
  return RunOn(host, std::move(request));
}

void StopHost(model::ModelHost& host, std::chrono::milliseconds drain) {
  std::promise<void> stopped;
  host.Stop([&] { stopped.set_value(); }, drain);
  stopped.get_future().get();
}

vocabulary::Tensor Floats(std::string name, vocabulary::Shape shape, const std::vector<float>& values) {
  return TensorOf(std::move(name), vocabulary::Datatype::kFp32, std::move(shape), values);
}

}  // namespace blindai::tests
