#include "speech/decoder_protocol.h"

#include <fmt/format.h>

#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"

namespace blindai::speech {
namespace {

using base::ByteReader;
using base::ByteWriter;
using base::ErrorKind;
using base::MakeError;

enum class Kind : std::uint8_t {
  kRegion = 1,
  kFile = 2,
  kNext = 3,
  kOpened = 65,
  kSamples = 66,
  kRefused = 67
};

base::Error Wrong(std::string message) { return base::Malformed(std::move(message), "decoder-protocol"); }

ByteWriter Begin(Kind kind) {
  ByteWriter writer;
  writer.U8(static_cast<std::uint8_t>(kind));
  return writer;
}

struct Encoder {
  ByteWriter operator()(const RegionMessage&) const { return Begin(Kind::kRegion); }
  ByteWriter operator()(const FileMessage& m) const {
    return std::move(Begin(Kind::kFile)
                         .U64(m.bytes)
                         .U32(m.limits.max_seconds)
                         .U32(m.limits.ratio_grace_seconds)
                         .U32(m.limits.min_bytes_per_second));
  }
  ByteWriter operator()(const NextMessage&) const { return Begin(Kind::kNext); }
  ByteWriter operator()(const OpenedMessage& m) const {
    return std::move(Begin(Kind::kOpened).U8(m.channels).U64(m.announced_ms));
  }
  ByteWriter operator()(const SamplesMessage& m) const {
    return std::move(Begin(Kind::kSamples).U32(m.samples).U8(m.last ? 1 : 0));
  }
  ByteWriter operator()(const RefusedMessage& m) const {
    return std::move(Begin(Kind::kRefused).U8(static_cast<std::uint8_t>(m.refusal)));
  }
};

base::Result<FileMessage> ReadFile(ByteReader& reader) {
  FileMessage m;
  BLINDAI_TRY(m.bytes, reader.U64("bytes"));
  BLINDAI_TRY(m.limits.max_seconds, reader.U32("seconds"));
  BLINDAI_TRY(m.limits.ratio_grace_seconds, reader.U32("grace"));
  BLINDAI_TRY(m.limits.min_bytes_per_second, reader.U32("bytes per second"));
  if (m.limits.min_bytes_per_second == 0) return Wrong("bytes per second are none");
  return m;
}

base::Result<OpenedMessage> ReadOpened(ByteReader& reader) {
  OpenedMessage m;
  BLINDAI_TRY(m.channels, reader.U8("channels"));
  BLINDAI_TRY(m.announced_ms, reader.U64("announced length"));
  if (m.channels < 1 || m.channels > kMaxChannels) return Wrong("channels are neither one nor two");
  return m;
}

base::Result<SamplesMessage> ReadSamples(ByteReader& reader) {
  SamplesMessage m;
  BLINDAI_TRY(m.samples, reader.U32("samples"));
  BLINDAI_TRY(const std::uint8_t last, reader.U8("last"));
  if (m.samples > kPieceSamples) return Wrong("more samples than a piece holds");
  if (last > 1) return Wrong("last is neither yes nor no");
  m.last = last == 1;
  return m;
}

base::Result<RefusedMessage> ReadRefused(ByteReader& reader) {
  BLINDAI_TRY(const std::uint8_t refusal, reader.U8("refusal"));
  if (refusal < 1 || refusal > kLastRefusal) return Wrong("refusal is not a known value");
  return RefusedMessage{static_cast<DecodeRefusal>(refusal)};
}

// A read message as the variant, with nothing behind it.
template <typename Variant, typename Message>
base::Result<Variant> Whole(base::Result<Message> message, const ByteReader& reader) {
  if (!message.ok()) return Wrong(message.error().message);
  if (!reader.empty()) return Wrong("bytes behind a message");
  return Variant(std::move(message).value());
}

}  // namespace

base::Bytes Encode(const ToDecoder& message) { return std::visit(Encoder{}, message).Take(); }
base::Bytes Encode(const FromDecoder& message) { return std::visit(Encoder{}, message).Take(); }

base::Result<ToDecoder> DecodeToDecoder(base::ByteView packet) {
  ByteReader reader(packet);
  const base::Result<std::uint8_t> kind = reader.U8("kind");
  if (!kind.ok()) return Wrong("an empty packet");
  switch (static_cast<Kind>(*kind)) {
    case Kind::kRegion:
      return Whole<ToDecoder>(base::Result<RegionMessage>(RegionMessage{}), reader);
    case Kind::kFile: {
      base::Result<FileMessage> file = ReadFile(reader);
      return Whole<ToDecoder>(std::move(file), reader);
    }
    case Kind::kNext:
      return Whole<ToDecoder>(base::Result<NextMessage>(NextMessage{}), reader);
    default:
      return Wrong("a message that is not for a decoder");
  }
}

base::Result<FromDecoder> DecodeFromDecoder(base::ByteView packet) {
  ByteReader reader(packet);
  const base::Result<std::uint8_t> kind = reader.U8("kind");
  if (!kind.ok()) return Wrong("an empty packet");
  switch (static_cast<Kind>(*kind)) {
    case Kind::kOpened: {
      base::Result<OpenedMessage> opened = ReadOpened(reader);
      return Whole<FromDecoder>(std::move(opened), reader);
    }
    case Kind::kSamples: {
      base::Result<SamplesMessage> samples = ReadSamples(reader);
      return Whole<FromDecoder>(std::move(samples), reader);
    }
    case Kind::kRefused: {
      base::Result<RefusedMessage> refused = ReadRefused(reader);
      return Whole<FromDecoder>(std::move(refused), reader);
    }
    default:
      return Wrong("a message that a decoder does not send");
  }
}

base::Error RefusalError(DecodeRefusal refusal, const DecodeLimits& limits) {
  const auto wrong = [](const char* code, std::string message) {
    return MakeError(ErrorKind::kInvalid, code, std::move(message), "file");
  };
  switch (refusal) {
    case DecodeRefusal::kNotAudio:
      return wrong(
          "audio-not-recognised",
          "the file is none of wav, flac, mp3, mp4, m4a, ogg, opus, webm, aac and aiff, or its beginning is "
          "damaged; send the recording in one of these formats");
    case DecodeRefusal::kNoStream:
      return wrong("audio-no-stream", "the file holds no sound; send a file with an audio track");
    case DecodeRefusal::kCodec:
      return wrong(
          "audio-codec",
          "the sound in the file is of a kind that is not decoded here; convert it to flac, mp3, aac, opus, "
          "vorbis, alac or plain samples of at most eight channels");
    case DecodeRefusal::kEncrypted:
      return wrong("audio-encrypted", "the sound in the file is encrypted; send it without protection");
    case DecodeRefusal::kEmpty:
      return wrong("audio-empty", "the file holds not one sample of sound");
    case DecodeRefusal::kTooLong:
      return MakeError(
          ErrorKind::kTooLarge, "audio-too-long",
          fmt::format("the recording is longer than the {} seconds that this server takes; cut it",
                      limits.max_seconds),
          "file");
    case DecodeRefusal::kRatio:
      return wrong(
          "audio-ratio",
          fmt::format(
              "the file decodes to more than {} seconds and one second for each {} bytes of it, which no "
              "recording does",
              limits.ratio_grace_seconds, limits.min_bytes_per_second));
    case DecodeRefusal::kNotFinite:
      return wrong("audio-not-finite", "the file holds samples that are not finite numbers; write it again");
    case DecodeRefusal::kDamaged:
      return wrong("audio-damaged", "too much of the file cannot be decoded; send an undamaged copy");
    case DecodeRefusal::kTruncated:
      return wrong(
          "audio-truncated",
          "the file ends before the length that it states; send all of it, or write it again as it is");
    case DecodeRefusal::kMemory:
      return wrong("audio-memory", "decoding the file needs more memory than any recording should");
    case DecodeRefusal::kInternal:
      break;
  }
  return MakeError(ErrorKind::kInternal, "decoder-crashed", "the recording could not be decoded", "file");
}

}  // namespace blindai::speech
