// Model hosts in tests: the real worker program, and calls that wait for their answer.
#pragma once

#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "model/model_host.h"
#include "support/until.h"
#include "vocabulary/tensor.h"

namespace blindai::tests {

// blindai-worker with the engine.
std::string WorkerProgram();
// A program of tests/support that stands in for it.
std::string SupportProgram(const std::string& name);

std::shared_ptr<model::ModelFile> FileOf(base::ByteView bytes);

// Options for tests: the real program, two threads.
model::WorkerOptions TestOptions();

base::Result<std::shared_ptr<model::ModelHost>> StartHost(base::ByteView file,
                                                          model::WorkerOptions options = TestOptions());
base::Result<model::RunAnswer> RunOn(model::ModelHost& host, std::vector<vocabulary::Tensor> inputs,
                                     std::vector<std::string> outputs = {});
base::Result<model::RunAnswer> RunOn(model::ModelHost& host, model::RunRequest request);
void StopHost(model::ModelHost& host, std::chrono::milliseconds drain = std::chrono::milliseconds(0));

template <typename Element>
vocabulary::Tensor TensorOf(std::string name, vocabulary::Datatype datatype, vocabulary::Shape shape,
                            const std::vector<Element>& values) {
  base::Bytes data(values.size() * sizeof(Element));
  if (!data.empty()) std::memcpy(data.data(), values.data(), data.size());
  return {std::move(name), datatype, std::move(shape), std::move(data)};
}

template <typename Element>
std::vector<Element> ValuesOf(const vocabulary::Tensor& tensor) {
  std::vector<Element> values(tensor.data.size() / sizeof(Element));
  if (!values.empty()) std::memcpy(values.data(), tensor.data.data(), values.size() * sizeof(Element));
  return values;
}

vocabulary::Tensor Floats(std::string name, vocabulary::Shape shape, const std::vector<float>& values);

}  // namespace blindai::tests
