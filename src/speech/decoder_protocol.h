// What the server and a decoder process say to each other, one message per packet of a local SOCK_SEQPACKET socket. A
// decoder lives for one recording and then ends. Samples never travel here but in shared memory; the server asks for
// each piece, so that neither side ever holds more than one.
//
//   server                                        decoder
//   Start (model/worker_protocol.h: its limits) →     locks itself down
//                                            ←    Caged (model/worker_protocol.h)
//   Region (descriptor of the piece's memory)  →
//   File (descriptor of the recording, limits) →
//                                            ←    Opened (channels, length) or Refused, and then it ends
//   Next                                     →
//                                            ←    Samples, until one is the last, or Refused
//
// The server trusts nothing that a decoder says: a recording may have taken it over. Decoding of packets is bounded,
// and decoder_process.cc checks every count against the region.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::speech {

constexpr std::uint32_t kDecodedRateHz = 16'000;
// One region: this many samples of channel 0, then as many of channel 1; 32-bit floats.
constexpr std::uint32_t kPieceSamples = 10 * kDecodedRateHz;
constexpr std::uint32_t kMaxChannels = 2;
constexpr std::uint64_t kRegionBytes = std::uint64_t{kPieceSamples} * kMaxChannels * sizeof(float);

// Why a recording gives no samples, or no more. Fixed words: the library's own texts name what is in the file.
enum class DecodeRefusal : std::uint8_t {
  kNotAudio = 1,    // the container is none of ours, or cannot be read at all
  kNoStream = 2,    // a container without sound
  kCodec = 3,       // sound of a kind that is not decoded here
  kEncrypted = 4,   // protected by a key
  kEmpty = 5,       // not one sample
  kTooLong = 6,     // over the limit of seconds
  kRatio = 7,       // decodes to far more sound than such a small file can hold
  kNotFinite = 8,   // samples that are not numbers
  kDamaged = 9,     // more than a little of it cannot be decoded
  kTruncated = 10,  // shorter than the file itself says
  kMemory = 11,     // needs more memory than a decoder has
  kInternal = 12,   // out of step, or the lock-down failed
};
constexpr std::uint8_t kLastRefusal = 12;

struct DecodeLimits {
  std::uint32_t max_seconds = 4 * 3600;
  // A recording may last `ratio_grace_seconds` and one second more for each `min_bytes_per_second` of the file. The
  // thinnest honest streams are FLAC and Opus of silence, of about 50 and 150 bytes a second.
  std::uint32_t ratio_grace_seconds = 60;
  std::uint32_t min_bytes_per_second = 32;
};

struct RegionMessage {};  // with the descriptor, of kRegionBytes
struct FileMessage {      // with the descriptor
  std::uint64_t bytes = 0;
  DecodeLimits limits;
};
struct NextMessage {};

struct OpenedMessage {
  std::uint8_t channels = 1;       // 1 or 2; what has more is mixed to one
  std::uint64_t announced_ms = 0;  // what the file says that it lasts; 0: nothing
};
struct SamplesMessage {
  std::uint32_t samples = 0;  // of each channel
  bool last = false;
};
struct RefusedMessage {
  DecodeRefusal refusal = DecodeRefusal::kInternal;
};

using ToDecoder = std::variant<RegionMessage, FileMessage, NextMessage>;
using FromDecoder = std::variant<OpenedMessage, SamplesMessage, RefusedMessage>;

base::Bytes Encode(const ToDecoder& message);
base::Bytes Encode(const FromDecoder& message);
// Code: decoder-protocol.
base::Result<ToDecoder> DecodeToDecoder(base::ByteView packet);
base::Result<FromDecoder> DecodeFromDecoder(base::ByteView packet);

// The refusal as people read it, with param "file". Codes: audio-not-recognised, audio-no-stream, audio-codec,
// audio-encrypted, audio-empty, audio-too-long, audio-ratio, audio-not-finite, audio-damaged, audio-truncated,
// audio-memory; decoder-crashed.
base::Error RefusalError(DecodeRefusal refusal, const DecodeLimits& limits);

}  // namespace blindai::speech
