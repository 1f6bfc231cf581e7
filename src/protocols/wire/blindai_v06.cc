#include "protocols/wire/blindai_v06.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/ascii.h"
#include "encoding/cbor.h"
#include "encoding/hex.h"
#include "encoding/utf8.h"
#include "protocols/wire/blindai_tensors.h"

namespace blindai::wire::v06 {
namespace {

using base::ByteView;
using base::ErrorKind;
using base::MakeError;
using base::Result;
using base::Status;
using encoding::CborHead;
using encoding::CborKind;

// Everything beside the model and the elements is a few words. What has arrived of one is looked at again with each
// piece, so the limit bounds that work too.
constexpr std::size_t kMaxSmallBytes = 4 * 1024;
constexpr std::size_t kMaxHeadBytes = 9;
constexpr std::size_t kMaxFields = 32;
constexpr std::size_t kMaxInputs = 1024;
constexpr std::size_t kSha256HexDigits = 64;
constexpr encoding::CborLimits kSmallLimits{.max_bytes = kMaxSmallBytes, .max_items = 1024, .max_depth = 8};
// What of an upload is decoded at a time.
constexpr std::size_t kDecodedBytes = 256 * 1024;

// CBOR of an integer from 0 to 255 (RFC 8949 section 3): itself below 24, else this byte and itself.
constexpr std::uint8_t kFirstTwoByteValue = 24;
constexpr std::uint8_t kOneByteFollows = 0x18;
constexpr std::uint8_t kBreak = 0xff;

base::Error BadCbor(std::string message) { return base::Malformed(std::move(message), "bad-cbor"); }

base::Error WrongType(std::string_view field, std::string_view wanted) {
  return MakeError(ErrorKind::kInvalid, "wrong-type", fmt::format("{}: wanted {}", field, wanted),
                   std::string(field));
}

base::Error Missing(std::string_view field) {
  return MakeError(ErrorKind::kInvalid, "missing-field", fmt::format("{}: field is missing", field),
                   std::string(field));
}

// Walks forward over a complete body; strings are views of it.
class Reader {
 public:
  explicit Reader(ByteView input) : input_(input) {}

  bool at_end() const { return input_.empty(); }

  Result<CborHead> Head() {
    BLINDAI_TRY(const CborHead head, encoding::ReadCborHead(input_));
    input_ = input_.subspan(head.head_bytes);
    return head;
  }

  Status Skip() {
    BLINDAI_TRY(const std::size_t size, encoding::CborItemSize(input_));
    input_ = input_.subspan(size);
    return base::Ok();
  }

  Result<ByteView> Bytes(std::string_view field) { return String(CborKind::kBytes, field, "a byte string"); }

  Result<std::string> Text(std::string_view field) {
    BLINDAI_TRY(const ByteView bytes, String(CborKind::kText, field, "a text"));
    if (bytes.size() > kMaxSmallBytes)
      return MakeError(ErrorKind::kTooLarge, "too-large", fmt::format("{}: the text is too long", field));
    if (!encoding::IsUtf8(base::AsText(bytes))) return BadCbor(fmt::format("{}: is not UTF-8", field));
    return std::string(base::AsText(bytes));
  }

  Result<std::uint64_t> Unsigned(std::string_view field) {
    BLINDAI_TRY(const CborHead head, Head());
    if (head.kind != CborKind::kUnsigned) return WrongType(field, "a whole number that is not negative");
    return head.number;
  }

  // Null counts as not there.
  Result<std::string> TextOrNull(std::string_view field) {
    BLINDAI_TRY(const CborHead head, encoding::ReadCborHead(input_));
    if (head.kind != CborKind::kNull) return Text(field);
    BLINDAI_RETURN_IF_ERROR(Head());
    return std::string();
  }

  // Calls `element` for each element, which reads it.
  template <typename Element>
  Status Array(std::string_view field, std::size_t most, Element element) {
    return Items(CborKind::kArray, field, "an array", most, element);
  }

  // Calls `value` with each key, which reads its value.
  template <typename Value>
  Status Map(std::string_view field, Value value) {
    std::vector<std::string> seen;
    return Items(CborKind::kMap, field, "a map", kMaxFields, [&]() -> Status {
      BLINDAI_TRY(std::string key, Text("a key"));
      if (std::find(seen.begin(), seen.end(), key) != seen.end())
        return BadCbor(fmt::format("{}: a field stands twice", field));
      BLINDAI_RETURN_IF_ERROR(value(key));
      seen.push_back(std::move(key));
      return base::Ok();
    });
  }

 private:
  Result<ByteView> String(CborKind kind, std::string_view field, std::string_view wanted) {
    BLINDAI_TRY(const CborHead head, Head());
    if (head.kind != kind || head.indefinite) return WrongType(field, wanted);
    if (head.number > input_.size()) return base::Malformed("CBOR ends early", "cbor-ends-early");
    const ByteView bytes = input_.first(static_cast<std::size_t>(head.number));
    input_ = input_.subspan(bytes.size());
    return bytes;
  }

  template <typename Item>
  Status Items(CborKind kind, std::string_view field, std::string_view wanted, std::size_t most, Item item) {
    BLINDAI_TRY(const CborHead head, Head());
    if (head.kind != kind) return WrongType(field, wanted);
    for (std::uint64_t count = 0; head.indefinite || count < head.number; ++count) {
      if (head.indefinite && !input_.empty() && input_.front() == kBreak) {
        input_ = input_.subspan(1);
        return base::Ok();
      }
      if (count == most)
        return MakeError(ErrorKind::kTooLarge, "too-large",
                         fmt::format("{}: has more than {} items", field, most));
      BLINDAI_RETURN_IF_ERROR(item());
    }
    return base::Ok();
  }

  ByteView input_;
};

Status ReadInfo(Reader& reader, vocabulary::TensorView& tensor) {
  bool has_shape = false;
  bool has_datatype = false;
  BLINDAI_RETURN_IF_ERROR(reader.Map("info", [&](std::string_view key) -> Status {
    if (key == "fact") {
      has_shape = true;
      return reader.Array("fact", vocabulary::kMaxRank, [&]() -> Status {
        BLINDAI_TRY(const std::uint64_t dimension, reader.Unsigned("fact"));
        if (dimension > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
          return MakeError(ErrorKind::kInvalid, "tensor-shape", "fact: a dimension is too large", "fact");
        tensor.shape.push_back(static_cast<std::int64_t>(dimension));
        return base::Ok();
      });
    }
    if (key == "datum_type") {
      has_datatype = true;
      BLINDAI_TRY(const std::uint64_t number, reader.Unsigned("datum_type"));
      BLINDAI_TRY(tensor.datatype, DatatypeFromBlindai(number));
      return base::Ok();
    }
    if (key == "node_name") {
      BLINDAI_TRY(tensor.name, reader.TextOrNull("node_name"));
      return base::Ok();
    }
    return reader.Skip();
  }));
  if (!has_shape) return Missing("fact");
  if (!has_datatype) return Missing("datum_type");
  return base::Ok();
}

Result<vocabulary::TensorView> ReadInput(Reader& reader) {
  vocabulary::TensorView tensor;
  bool has_info = false;
  bool has_data = false;
  BLINDAI_RETURN_IF_ERROR(reader.Map("input", [&](std::string_view key) -> Status {
    if (key == "info") {
      has_info = true;
      return ReadInfo(reader, tensor);
    }
    if (key == "bytes_data") {
      has_data = true;
      BLINDAI_TRY(tensor.data, reader.Bytes("bytes_data"));
      return base::Ok();
    }
    return reader.Skip();
  }));
  if (!has_info) return Missing("info");
  if (!has_data) return Missing("bytes_data");
  BLINDAI_RETURN_IF_ERROR(vocabulary::CheckTensor(tensor));
  return tensor;
}

// 64 hex digits in either case, as lower case.
Result<std::string> NormalHash(std::string hash) {
  const bool is_hex = hash.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  if (hash.size() != kSha256HexDigits || !is_hex) {
    return MakeError(ErrorKind::kInvalid, "model-hash", "model_hash: wanted a SHA-256 as 64 hex digits",
                     "model_hash");
  }
  return base::LowerCase(hash);
}

Status NothingFollows(const Reader& reader) {
  return reader.at_end() ? base::Ok() : Status(BadCbor("bytes follow the request"));
}

}  // namespace

// --- upload ---

// Small things are collected until they are whole; elements and strings pass through. A small item always ends within
// the chunk that completed it, since it was not whole before.
Status UploadDecoder::Feed(ByteView chunk) {
  while (!chunk.empty()) {
    if (state_ == State::kDone) return BadCbor("bytes follow the request");
    std::size_t used = 0;
    if (state_ == State::kElements) {
      BLINDAI_TRY(used, FeedElements(chunk));
    } else if (state_ == State::kString) {
      BLINDAI_TRY(used, FeedString(chunk));
    } else {
      const std::size_t before = small_.size();
      const std::size_t more =
          std::min(chunk.size(), (WantsHead() ? kMaxHeadBytes : kMaxSmallBytes) - before);
      small_.insert(small_.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(more));
      BLINDAI_TRY(const std::size_t size, SmallItemSize());
      used = more;
      if (size != 0) {
        used = size - before;
        const base::Bytes item(small_.begin(), small_.begin() + static_cast<std::ptrdiff_t>(size));
        small_.clear();
        BLINDAI_RETURN_IF_ERROR(TakeSmall(item));
      } else if (small_.size() == kMaxSmallBytes) {
        return MakeError(ErrorKind::kTooLarge, "too-large",
                         fmt::format("a field beside the model has more than {} bytes", kMaxSmallBytes));
      }
    }
    chunk = chunk.subspan(used);
  }
  return base::Ok();
}

bool UploadDecoder::WantsHead() const {
  return state_ == State::kStart || state_ == State::kModelHead || state_ == State::kChunkHead;
}

// 0 when it has not all arrived.
Result<std::size_t> UploadDecoder::SmallItemSize() const {
  const auto code_is_early = [](const base::Error& error) { return error.code == "cbor-ends-early"; };
  const bool is_end = state_ == State::kKey && !pairs_left_ && small_.front() == kBreak;
  if (WantsHead() || is_end) {
    const auto head = encoding::ReadCborHead(small_);
    if (head.ok()) return head->head_bytes;
    if (code_is_early(head.error())) return std::size_t{0};
    return head.error();
  }
  auto size = encoding::CborItemSize(small_, kSmallLimits);
  if (!size.ok() && code_is_early(size.error())) return std::size_t{0};
  return size;
}

Status UploadDecoder::TakeSmall(ByteView item) {
  switch (state_) {
    case State::kStart: {
      BLINDAI_TRY(const CborHead head, encoding::ReadCborHead(item));
      if (head.kind != CborKind::kMap) return WrongType("request", "a map");
      if (!head.indefinite) pairs_left_ = head.number;
      state_ = State::kKey;
      if (pairs_left_ == 0u) state_ = State::kDone;
      return base::Ok();
    }
    case State::kKey:
      return TakeKey(item);
    case State::kModelHead:
      return TakeModelHead(item);
    case State::kChunkHead:
      return TakeChunkHead(item);
    default:
      return TakeValue(item);
  }
}

Status UploadDecoder::TakeKey(ByteView item) {
  if (!pairs_left_ && item.front() == kBreak) {
    state_ = State::kDone;
    return base::Ok();
  }
  Reader reader(item);
  BLINDAI_TRY(key_, reader.Text("a key"));
  if (std::find(seen_.begin(), seen_.end(), key_) != seen_.end())
    return BadCbor("request: a field stands twice");
  if (seen_.size() == kMaxFields)
    return MakeError(ErrorKind::kTooLarge, "too-large", "request: too many fields");
  seen_.push_back(key_);
  state_ = key_ == "model" ? State::kModelHead : State::kValue;
  return base::Ok();
}

Status UploadDecoder::TakeModelHead(ByteView item) {
  BLINDAI_TRY(const CborHead head, encoding::ReadCborHead(item));
  if (head.kind != CborKind::kArray && head.kind != CborKind::kBytes)
    return WrongType("model", "an array of integers or a byte string");
  has_model_ = true;
  const auto size = head.indefinite ? std::nullopt : std::optional<std::uint64_t>(head.number);
  BLINDAI_RETURN_IF_ERROR(CheckLength(size));
  BLINDAI_RETURN_IF_ERROR(sink_.begin(size ? size : declared_));
  in_chunks_ = head.kind == CborKind::kBytes && head.indefinite;
  left_ = size;
  state_ =
      in_chunks_ ? State::kChunkHead : (head.kind == CborKind::kBytes ? State::kString : State::kElements);
  if (left_ == 0u) EndPair();
  return base::Ok();
}

Status UploadDecoder::TakeChunkHead(ByteView item) {
  BLINDAI_TRY(const CborHead head, encoding::ReadCborHead(item));
  if (head.kind == CborKind::kBreak) {
    EndPair();
    return base::Ok();
  }
  if (head.kind != CborKind::kBytes || head.indefinite)
    return BadCbor("model: a chunk that is not a byte string");
  left_ = head.number;
  if (left_ != 0u) state_ = State::kString;
  return base::Ok();
}

Status UploadDecoder::TakeValue(ByteView item) {
  if (key_ == "length") {
    Reader reader(item);
    BLINDAI_TRY(declared_, reader.Unsigned("length"));
    if (has_model_) BLINDAI_RETURN_IF_ERROR(CheckLength(received_));
  }
  EndPair();
  return base::Ok();
}

// The loop that a model's bytes go through one by one; `decoded_` is filled and handed on, piece by piece.
Result<std::size_t> UploadDecoder::FeedElements(ByteView chunk) {
  // No element is shorter than its byte.
  const std::size_t room = std::min(chunk.size(), kDecodedBytes);
  if (decoded_.size() < room) decoded_ = base::SecretBytes(room);
  const std::span<std::uint8_t> out = decoded_.ExposeSecretForWriting();
  const std::uint64_t most = std::min<std::uint64_t>(left_.value_or(out.size()), out.size());
  std::size_t used = 0;
  std::size_t made = 0;
  bool ended = false;
  if (wants_byte_) {
    wants_byte_ = false;
    out[made++] = chunk[used++];
  }
  while (used < chunk.size() && made < most) {
    const std::uint8_t byte = chunk[used++];
    if (byte < kFirstTwoByteValue) {
      out[made++] = byte;
    } else if (byte == kOneByteFollows && used < chunk.size()) {
      out[made++] = chunk[used++];
    } else if (byte == kOneByteFollows) {
      wants_byte_ = true;
    } else if (byte == kBreak && !left_) {
      ended = true;
      break;
    } else {
      return MakeError(ErrorKind::kInvalid, "wrong-type", "model: an element is not an integer from 0 to 255",
                       "model");
    }
  }
  received_ += made;
  if (made != 0) BLINDAI_RETURN_IF_ERROR(sink_.piece(out.first(made)));
  if (left_) {
    *left_ -= made;
    ended = *left_ == 0;
  }
  if (ended) EndPair();
  return used;
}

Result<std::size_t> UploadDecoder::FeedString(ByteView chunk) {
  const ByteView piece = chunk.first(static_cast<std::size_t>(std::min<std::uint64_t>(chunk.size(), *left_)));
  received_ += piece.size();
  BLINDAI_RETURN_IF_ERROR(sink_.piece(piece));
  *left_ -= piece.size();
  if (*left_ == 0) {
    if (in_chunks_) {
      state_ = State::kChunkHead;
    } else {
      EndPair();
    }
  }
  return piece.size();
}

Status UploadDecoder::CheckLength(std::optional<std::uint64_t> model_bytes) const {
  if (!declared_ || !model_bytes || *declared_ == *model_bytes) return base::Ok();
  return MakeError(
      ErrorKind::kInvalid, "upload-length",
      fmt::format("length says {} bytes and the model has {}; send the file again", *declared_, *model_bytes),
      "length");
}

void UploadDecoder::EndPair() {
  state_ = State::kKey;
  if (pairs_left_ && --*pairs_left_ == 0) state_ = State::kDone;
}

Status UploadDecoder::Finish() const {
  if (state_ != State::kDone) return base::Malformed("CBOR ends early", "cbor-ends-early");
  if (!has_model_) return Missing("model");
  return CheckLength(received_);
}

base::Bytes EncodeUploadReply(std::string_view sha256_hex, std::string_view model_id) {
  const auto hash = encoding::HexDecode(sha256_hex);
  BLINDAI_CHECK(hash.ok());
  encoding::CborWriter writer;
  writer.Map(2).Text("hash").Bytes(*hash).Text("model_id").Text(model_id);
  return std::move(writer).Take();
}

// --- run ---

Result<RunRequest> DecodeRunRequest(ByteView body) {
  RunRequest request;
  std::string hash;
  bool has_inputs = false;
  Reader reader(body);
  BLINDAI_RETURN_IF_ERROR(reader.Map("request", [&](std::string_view key) -> Status {
    if (key == "model_id") {
      BLINDAI_TRY(request.model_id, reader.TextOrNull("model_id"));
      return base::Ok();
    }
    if (key == "model_hash") {
      BLINDAI_TRY(hash, reader.TextOrNull("model_hash"));
      return base::Ok();
    }
    if (key == "inputs") {
      has_inputs = true;
      return reader.Array("inputs", kMaxInputs, [&]() -> Status {
        auto input = ReadInput(reader);
        if (!input.ok()) {
          return std::move(input).error().Within(fmt::format("inputs[{}]", request.inputs.size()));
        }
        request.inputs.push_back(std::move(input).value());
        return base::Ok();
      });
    }
    return reader.Skip();
  }));
  BLINDAI_RETURN_IF_ERROR(NothingFollows(reader));
  if (!has_inputs) return Missing("inputs");
  if (request.model_id.empty() == hash.empty()) {
    return MakeError(ErrorKind::kInvalid, "model-choice",
                     "wanted either model_id or model_hash, and not both", "model_id");
  }
  if (!hash.empty()) {
    BLINDAI_TRY(request.model_sha256, NormalHash(std::move(hash)));
  }
  return request;
}

Result<std::vector<base::Bytes>> EncodeRunReply(const std::vector<vocabulary::Tensor>& outputs) {
  std::vector<base::Bytes> heads;
  encoding::CborWriter writer;
  writer.Map(1).Text("outputs").Array(outputs.size());
  for (const vocabulary::Tensor& output : outputs) {
    const auto datatype = BlindaiFromDatatype(output.datatype);
    if (!datatype) {
      return MakeError(ErrorKind::kUnsupported, "output-datatype",
                       fmt::format("output '{}' is {}, which BlindAI 0.6 cannot carry", output.name,
                                   vocabulary::DatatypeName(output.datatype)));
    }
    writer.Map(2).Text("info").Map(3).Text("fact").Array(output.shape.size());
    for (const std::int64_t dimension : output.shape) writer.Signed(dimension);
    writer.Text("datum_type").Text(datatype->name).Text("node_name").Text(output.name);
    writer.Text("bytes_data").BytesHead(output.data.size());
    heads.push_back(std::move(writer).Take());
    writer = encoding::CborWriter();
  }
  if (heads.empty()) heads.push_back(std::move(writer).Take());
  return heads;
}

// --- the rest ---

Result<std::string> DecodeDeleteRequest(ByteView body) {
  std::optional<std::string> model_id;
  Reader reader(body);
  BLINDAI_RETURN_IF_ERROR(reader.Map("request", [&](std::string_view key) -> Status {
    if (key != "model_id") return reader.Skip();
    BLINDAI_TRY(model_id, reader.Text("model_id"));
    return base::Ok();
  }));
  BLINDAI_RETURN_IF_ERROR(NothingFollows(reader));
  if (!model_id) return Missing("model_id");
  return *std::move(model_id);
}

base::Bytes EncodeDeleteReply() {
  encoding::CborWriter writer;
  writer.Null();
  return std::move(writer).Take();
}

base::Bytes EncodeByteString(ByteView bytes) {
  encoding::CborWriter writer;
  writer.Bytes(bytes);
  return std::move(writer).Take();
}

base::Bytes EncodeCollateral(const vocabulary::SgxCollateral& collateral) {
  encoding::CborWriter writer;
  writer.Map(10).Text("version").Unsigned(collateral.version);
  const auto field = [&writer](std::string_view name, std::string_view text) {
    writer.Text(name).Text(text);
  };
  field("pck_crl_issuer_chain", collateral.pck_crl_issuer_chain);
  field("root_ca_crl", collateral.root_ca_crl);
  field("pck_crl", collateral.pck_crl);
  field("tcb_info_issuer_chain", collateral.tcb_info_issuer_chain);
  field("tcb_info", collateral.tcb_info);
  field("qe_identity_issuer_chain", collateral.qe_identity_issuer_chain);
  field("qe_identity", collateral.qe_identity);
  field("pck_certificate", collateral.pck_certificate);
  field("pck_signing_chain", collateral.pck_signing_chain);
  return std::move(writer).Take();
}

base::Bytes EncodeFailure(const base::Error& error) {
  encoding::CborWriter writer;
  writer.Text(fmt::format("{}: {}", error.code, error.message));
  return std::move(writer).Take();
}

}  // namespace blindai::wire::v06
