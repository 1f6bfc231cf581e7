#include "protocols/wire/blindai_v05/run_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "protocols/wire/blindai_tensors.h"

namespace blindai::wire {
namespace {

using base::ErrorKind;
using base::MakeError;
using base::Result;

// So many messages are nobody's mistake, whatever they carry.
constexpr std::uint64_t kFreeMessages = 4096;

vocabulary::Shape ShapeOf(const securedexchange::TensorInfo& info) {
  return {info.dims().begin(), info.dims().end()};
}

base::ByteView ViewOf(const std::string& bytes) { return base::AsBytes(bytes); }

// Grows by doubling as a vector does, but leaves no copy of the elements in freed memory.
void Append(base::Bytes& data, base::ByteView piece, std::uint64_t wanted_bytes) {
  if (data.capacity() - data.size() < piece.size()) {
    const std::uint64_t size = data.size() + piece.size();
    base::Bytes larger;
    larger.reserve(std::min(wanted_bytes, std::max<std::uint64_t>(size, 2 * data.capacity())));
    larger.assign(data.begin(), data.end());
    base::Wipe(data);
    data = std::move(larger);
  }
  data.insert(data.end(), piece.begin(), piece.end());
}

}  // namespace

base::Status RunStream::Add(securedexchange::RunModelRequest& message) {
  ++messages_;
  if (messages_ > kFreeMessages + bytes_ / limits_.message_bytes) {
    return MakeError(ErrorKind::kTooLarge, "too-many-messages",
                     fmt::format("{} messages brought {} bytes; send larger pieces", messages_, bytes_));
  }
  model_id_ = message.model_id();
  sign_ = message.sign();
  base::Status added = base::Ok();
  for (securedexchange::TensorData& piece : *message.mutable_input_tensors()) {
    if (added.ok()) added = AddPiece(piece);
    std::string& elements = *piece.mutable_bytes_data();
    base::Wipe(elements.data(), elements.size());
  }
  return added;
}

base::Status RunStream::AddPiece(securedexchange::TensorData& piece) {
  const base::ByteView bytes = ViewOf(piece.bytes_data());
  if (bytes.size() > limits_.tensor_bytes - bytes_) {
    return MakeError(
        ErrorKind::kTooLarge, "tensors-too-large",
        fmt::format("the tensors of one request may have {} bytes together (limits.tensor_bytes)",
                    limits_.tensor_bytes));
  }
  if (!piece.has_info()) {
    return MakeError(ErrorKind::kInvalid, "tensor-info",
                     "a piece of a tensor came without its info; send dims and datum_type with every piece");
  }
  BLINDAI_TRY(Input * input, InputOf(piece.info()));
  if (bytes.size() > input->wanted_bytes - input->data.size()) {
    return MakeError(ErrorKind::kInvalid, "tensor-size",
                     fmt::format("input {}: more than the {} bytes that its dims and datum_type say",
                                 input->index, input->wanted_bytes));
  }
  Append(input->data, bytes, input->wanted_bytes);
  bytes_ += bytes.size();
  return base::Ok();
}

Result<RunStream::Input*> RunStream::InputOf(const securedexchange::TensorInfo& info) {
  BLINDAI_TRY(const vocabulary::Datatype datatype,
              DatatypeFromBlindai(static_cast<std::uint32_t>(info.datum_type())));
  vocabulary::Shape shape = ShapeOf(info);
  const auto found = std::find_if(inputs_.begin(), inputs_.end(), [&info](const Input& input) {
    const bool named = !input.name.empty() && !info.index_name().empty();
    return named ? input.name == info.index_name() : input.index == info.index();
  });
  if (found != inputs_.end()) {
    if (found->datatype == datatype && found->shape == shape) return &*found;
    return MakeError(ErrorKind::kInvalid, "tensor-info",
                     fmt::format("input {}: its pieces have different dims or datum_type", info.index()));
  }
  if (inputs_.size() == limits_.tensors) {
    return MakeError(ErrorKind::kTooLarge, "tensor-count",
                     fmt::format("more than {} input tensors", limits_.tensors));
  }
  if (shape.size() > vocabulary::kMaxRank) {
    return MakeError(
        ErrorKind::kInvalid, "tensor-shape",
        fmt::format("input {}: {} dims; at most {}", info.index(), shape.size(), vocabulary::kMaxRank));
  }
  BLINDAI_TRY(const std::uint64_t elements, vocabulary::ElementCount(shape));
  if (elements > limits_.tensor_bytes) {
    return MakeError(
        ErrorKind::kTooLarge, "tensors-too-large",
        fmt::format("input {}: {} elements; the tensors of one request may have {} bytes together "
                    "(limits.tensor_bytes)",
                    info.index(), elements, limits_.tensor_bytes));
  }
  Input input;
  input.index = info.index();
  input.name = info.index_name();
  input.datatype = datatype;
  input.shape = std::move(shape);
  input.wanted_bytes = elements * vocabulary::ElementSize(datatype);
  inputs_.push_back(std::move(input));
  return &inputs_.back();
}

base::Status RunStream::Finish() const {
  if (messages_ == 0)
    return MakeError(ErrorKind::kInvalid, "no-data", "the stream ended before its first message");
  for (const Input& input : inputs_) {
    if (input.data.size() == input.wanted_bytes) continue;
    return MakeError(ErrorKind::kInvalid, "tensor-size",
                     fmt::format("input {}: {} bytes arrived; its dims and datum_type say {}", input.index,
                                 input.data.size(), input.wanted_bytes));
  }
  return base::Ok();
}

std::vector<vocabulary::TensorView> RunStream::inputs() const {
  std::vector<vocabulary::TensorView> views;
  views.reserve(inputs_.size());
  for (const Input& input : inputs_)
    views.emplace_back(input.name, input.datatype, input.shape, base::ByteView(input.data));
  return views;
}

}  // namespace blindai::wire
