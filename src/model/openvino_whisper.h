// A Whisper model in the worker: encoder and decoder of a bundle as Hugging Face's optimum exports them
// (encoder_model.onnx, decoder_model.onnx, decoder_with_past_model.onnx), computed token by token without leaving the
// process. Keys and values go from one run of the decoder to the next as they lie; all of it is overwritten when the
// window is done. https://huggingface.co/docs/optimum/exporters/onnx/overview
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "model/openvino_attention.h"
#include "model/openvino_runtime.h"
#include "model/shared_region.h"
#include "model/signature.h"
#include "model/worker_protocol.h"

namespace blindai::model {

class OpenVinoWhisper {
 public:
  // Null: the bundle's networks are not a Whisper model's. Throws what the engine throws.
  static std::unique_ptr<OpenVinoWhisper> Load(OpenVinoRuntime& runtime, Mapping file,
                                               ModelSignature& signature);
  ~OpenVinoWhisper();
  OpenVinoWhisper(const OpenVinoWhisper&) = delete;
  OpenVinoWhisper& operator=(const OpenVinoWhisper&) = delete;

  // Between two tokens it looks whether the run was cancelled.
  Failure Run(const RunMessage& run, base::ByteView inputs, std::span<std::uint8_t> outputs, RanMessage& ran,
              const std::atomic<std::uint64_t>& cancelled);
  void Clean();

 private:
  class Decoder;
  struct Network;

  OpenVinoWhisper();
  bool CheckPorts();
  void WarmUp();
  ov::Tensor Encode(const void* features);

  std::int64_t bins_ = 0;
  std::int64_t frames_ = 0;
  std::int64_t vocabulary_ = 0;
  AttentionPorts attention_;  // of the decoder; without layers it cannot say when a token was said
  std::unique_ptr<Network> encoder_;
  std::unique_ptr<Network> decoder_;
  std::unique_ptr<Network> with_past_;  // null: none
  std::unique_ptr<Decoder> search_;     // what one run keeps
};

}  // namespace blindai::model
