// Reads a recording with FFmpeg's libraries and gives 16 kHz floats, piece by piece, in memory that does not depend on
// its length. Runs in the decoder process only, behind its lock-down (apps/decoder): what these libraries do with a
// hostile file is contained there, not here. Beside the cage, only the demuxer that the first bytes name and decoders
// of a short list are ever started, and no second file is ever opened.
//
// One channel stays one; of two each is a speaker and stays; more are mixed to one by their mean. A 16-bit sample is
// divided by 32,768. Resampling is soxr's (https://sourceforge.net/p/soxr), through libswresample.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <variant>

#include "base/bytes.h"
#include "speech/decoder_protocol.h"

namespace blindai::speech {

class AudioReader {
 public:
  // `file` must outlive the reader. Decodes the first frame, so that what it says is known to be true.
  static std::variant<std::unique_ptr<AudioReader>, DecodeRefusal> Open(base::ByteView file,
                                                                        const DecodeLimits& limits);
  virtual ~AudioReader() = default;

  virtual OpenedMessage opened() const = 0;
  // The next samples of each channel, as many as the spans hold unless they are the last. `second` is not touched when
  // there is one channel.
  virtual std::variant<SamplesMessage, DecodeRefusal> Read(std::span<float> first,
                                                           std::span<float> second) = 0;
};

}  // namespace blindai::speech
