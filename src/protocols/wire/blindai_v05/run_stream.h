// RunModel's stream of messages becomes the inputs of one run. The published client cuts each tensor into pieces of at
// most 32 KiB and repeats everything else in every message; the rules of the original hold:
//
//   - pieces with one index, or one name where both have a name, are one tensor, in the order in which they came;
//   - tensors keep the order of their first piece, and inputs without names are positional;
//   - for model_id and sign the last message counts.
//
// Nothing here is trusted. Limits count the whole request and are checked before memory is reserved; the elements are
// wiped in the messages as soon as they are taken over, and here when this dies.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "securedexchange.pb.h"
#include "vocabulary/tensor.h"

namespace blindai::wire {

struct RunStreamLimits {
  std::uint64_t tensor_bytes = std::uint64_t{256} << 20;  // elements of all tensors (code tensors-too-large)
  std::size_t tensors = 1024;                             // (code tensor-count)
  // Messages of less than this many bytes on average are refused once there are many (code too-many-messages).
  std::uint64_t message_bytes = 1024;
};

class RunStream {
 public:
  explicit RunStream(RunStreamLimits limits) : limits_(limits) {}

  // Takes the next message over and wipes it. Codes: tensor-info (missing, or not that of the tensor's first piece),
  // tensor-dtype, tensor-shape, tensor-size (more bytes than the dims say), and those of the limits.
  base::Status Add(securedexchange::RunModelRequest& message);

  // The stream has ended: every tensor is complete. Codes: no-data (no message came), tensor-size.
  base::Status Finish() const;

  const std::string& model_id() const { return model_id_; }
  bool sign() const { return sign_; }
  // Borrowed from this.
  std::vector<vocabulary::TensorView> inputs() const;

 private:
  struct Input {
    std::int32_t index = 0;
    std::string name;
    vocabulary::Datatype datatype = vocabulary::Datatype::kFp32;
    vocabulary::Shape shape;
    std::uint64_t wanted_bytes = 0;  // what shape and datatype say
    base::Bytes data;

    Input() = default;
    Input(Input&&) noexcept = default;
    Input& operator=(Input&&) noexcept = default;
    ~Input() { base::Wipe(data); }
  };
  base::Status AddPiece(securedexchange::TensorData& piece);
  base::Result<Input*> InputOf(const securedexchange::TensorInfo& info);

  const RunStreamLimits limits_;
  std::string model_id_;
  bool sign_ = false;
  std::uint64_t messages_ = 0;
  std::uint64_t bytes_ = 0;
  std::vector<Input> inputs_;
};

}  // namespace blindai::wire
