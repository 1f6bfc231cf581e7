#include "protocols/wire/blindai_v05/payload.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "base/secret.h"
#include "protocols/wire/blindai_tensors.h"
#include "securedexchange.pb.h"

namespace blindai::wire {
namespace {

using base::ErrorKind;
using base::MakeError;
using securedexchange::TensorInfo;

void SetHeader(securedexchange::Payload& message, base::Time issued_at) {
  message.mutable_header()->mutable_issued_at()->set_seconds(
      std::chrono::duration_cast<std::chrono::seconds>(issued_at.time_since_epoch()).count());
}

void FillInfo(TensorInfo& info, std::string_view name, vocabulary::Datatype datatype,
              const vocabulary::Shape& shape, std::size_t index) {
  // Dims are 32 bits here; a larger one cannot be the true one of a tensor that fits into a reply or a request.
  for (const std::int64_t dim : shape) {
    info.add_dims(static_cast<std::int32_t>(
        std::clamp<std::int64_t>(dim, -1, std::numeric_limits<std::int32_t>::max())));
  }
  const auto known = BlindaiFromDatatype(datatype);
  info.set_datum_type(known ? static_cast<securedexchange::DatumTypeEnum>(known->number)
                            : securedexchange::UNKNOWN);
  info.set_index(static_cast<std::int32_t>(index));
  info.set_index_name(std::string(name));
}

void SetBytes(std::string& field, base::ByteView bytes) { field.assign(base::AsText(bytes)); }

base::Error TooLarge(std::uint64_t bytes) {
  return MakeError(
      ErrorKind::kTooLarge, "reply-too-large",
      fmt::format("the answer has {} bytes; clients of BlindAI 0.5 take at most {}; use the current "
                  "client, or a model with a smaller output",
                  bytes, kMaxReplyPayloadBytes));
}

}  // namespace

std::string EncodeUploadPayload(const UploadPayload& payload) {
  securedexchange::Payload message;
  SetHeader(message, payload.issued_at);
  securedexchange::SendModelPayload& upload = *message.mutable_send_model_payload();
  SetBytes(*upload.mutable_model_hash(), payload.model_hash);
  for (std::size_t i = 0; i < payload.inputs.size(); ++i) {
    const vocabulary::TensorSpec& spec = payload.inputs[i];
    FillInfo(*upload.add_tensor_inputs(), spec.name, spec.datatype, spec.shape, i);
  }
  for (std::size_t i = 0; i < payload.outputs.size(); ++i) {
    const vocabulary::TensorSpec& spec = payload.outputs[i];
    FillInfo(*upload.add_tensor_outputs(), spec.name, spec.datatype, spec.shape, i);
  }
  upload.set_model_id(payload.model_id);
  upload.set_simulation(payload.simulation);
  return message.SerializeAsString();
}

base::Result<std::string> EncodeRunPayload(const RunPayload& payload) {
  std::uint64_t bytes = 0;
  for (const vocabulary::TensorView& output : payload.outputs) {
    if (!BlindaiFromDatatype(output.datatype)) {
      return MakeError(
          ErrorKind::kUnsupported, "output-dtype",
          fmt::format("an output is {}, which BlindAI 0.5 has no word for; use the current client",
                      vocabulary::DatatypeName(output.datatype)));
    }
    bytes += output.data.size();
  }
  if (bytes > kMaxReplyPayloadBytes) return TooLarge(bytes);

  securedexchange::Payload message;
  SetHeader(message, payload.issued_at);
  securedexchange::RunModelPayload& run = *message.mutable_run_model_payload();
  SetBytes(*run.mutable_input_hash(), payload.input_hash);
  SetBytes(*run.mutable_model_hash(), payload.model_hash);
  run.set_model_id(payload.model_id);
  for (std::size_t i = 0; i < payload.inputs.size(); ++i) {
    const vocabulary::TensorView& input = payload.inputs[i];
    FillInfo(*run.add_input_infos(), input.name, input.datatype, input.shape, i);
  }
  for (std::size_t i = 0; i < payload.outputs.size(); ++i) {
    const vocabulary::TensorView& output = payload.outputs[i];
    securedexchange::TensorData& tensor = *run.add_output_tensors();
    FillInfo(*tensor.mutable_info(), output.name, output.datatype, output.shape, i);
    SetBytes(*tensor.mutable_bytes_data(), output.data);
  }
  run.set_inference_time(payload.inference_ms);
  run.set_request_time(payload.request_ms);
  run.set_simulation(payload.simulation);

  std::string text = message.SerializeAsString();
  for (securedexchange::TensorData& tensor : *run.mutable_output_tensors()) {
    std::string& elements = *tensor.mutable_bytes_data();
    base::Wipe(elements.data(), elements.size());
  }
  if (text.size() <= kMaxReplyPayloadBytes) return text;
  base::Wipe(text.data(), text.size());
  return TooLarge(text.size());
}

}  // namespace blindai::wire
