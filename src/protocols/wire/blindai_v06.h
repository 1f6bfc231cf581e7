// BlindAI 0.6: CBOR over HTTP. What the published clients send and read, both directions as far as a server needs them.
// Facts: docs/formats/legacy-protocols.md.
//
//   upload   {"model": [1, 2, …] or bytes, "length": n, "model_name": text, "optimize": bool, "client_info": {…}}
//            → {"hash": bytes, "model_id": text}
//   run      {"model_id": text, "model_hash": text, "inputs": [{"info": {"fact": [dims], "datum_type": 0–10,
//            "node_name": text or null}, "bytes_data": bytes}], "client_info": {…}}
//            → {"outputs": [{"info": {"fact", "datum_type", "node_name"}, "bytes_data"}]}
//   delete   {"model_id": text} → null
//
// A model comes as an array with one integer for each byte, up to a billion of them, so an upload is read as it
// arrives; memory does not grow with it. Fields may come in any order, unknown ones are ignored, a field that stands
// twice is refused. Codes: bad-cbor, cbor-ends-early, too-large, missing-field, wrong-type, upload-length, model-hash,
// model-choice, and those of the tensors.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "vocabulary/sgx_collateral.h"
#include "vocabulary/tensor.h"

namespace blindai::wire::v06 {

// Where an upload's bytes go. The first error ends the upload.
struct UploadSink {
  // The model begins; its size where the array or string says it. Called once, before any byte.
  std::function<base::Status(std::optional<std::uint64_t> model_bytes)> begin;
  std::function<base::Status(base::ByteView piece)> piece;
};

class UploadDecoder {
 public:
  explicit UploadDecoder(UploadSink sink) : sink_(std::move(sink)) {}

  // The next bytes of the body.
  base::Status Feed(base::ByteView chunk);
  // The body has ended: everything was there, and the model is as long as `length` said.
  base::Status Finish() const;

 private:
  enum class State { kStart, kKey, kModelHead, kElements, kString, kChunkHead, kValue, kDone };

  base::Status TakeSmall(base::ByteView item);
  base::Status TakeKey(base::ByteView item);
  base::Status TakeModelHead(base::ByteView item);
  base::Status TakeChunkHead(base::ByteView item);
  base::Status TakeValue(base::ByteView item);
  bool WantsHead() const;
  base::Result<std::size_t> SmallItemSize() const;
  base::Result<std::size_t> FeedElements(base::ByteView chunk);
  base::Result<std::size_t> FeedString(base::ByteView chunk);
  base::Status CheckLength(std::optional<std::uint64_t> model_bytes) const;
  void EndPair();

  const UploadSink sink_;
  State state_ = State::kStart;
  base::Bytes small_;  // the part of a key, head or small value that has arrived
  std::string key_;
  std::vector<std::string> seen_;
  std::optional<std::uint64_t> pairs_left_;  // nothing: the map ends with a break
  std::optional<std::uint64_t> left_;        // of the model's elements or of a string; nothing: until a break
  bool in_chunks_ = false;                   // the model is a string of indefinite length
  bool wants_byte_ = false;                  // an element's first byte said that its value follows
  std::optional<std::uint64_t> declared_;
  bool has_model_ = false;
  std::uint64_t received_ = 0;
  base::SecretBytes decoded_;
};

// What to run: exactly one of id and hash. The inputs are views of the body, without names where the client gave none.
struct RunRequest {
  std::string model_id;
  std::string model_sha256;  // lower-case hex
  std::vector<vocabulary::TensorView> inputs;
};
base::Result<RunRequest> DecodeRunRequest(base::ByteView body);

base::Result<std::string> DecodeDeleteRequest(base::ByteView body);

// The answer without its elements: head i is followed by the data of output i, an answer without outputs is one head.
// Code: output-datatype (a type that the protocol does not know).
base::Result<std::vector<base::Bytes>> EncodeRunReply(const std::vector<vocabulary::Tensor>& outputs);

base::Bytes EncodeUploadReply(std::string_view sha256_hex, std::string_view model_id);
base::Bytes EncodeDeleteReply();
// The certificate and the quote: byte strings.
base::Bytes EncodeByteString(base::ByteView bytes);
base::Bytes EncodeCollateral(const vocabulary::SgxCollateral& collateral);
// One text: "code: message".
base::Bytes EncodeFailure(const base::Error& error);

}  // namespace blindai::wire::v06
