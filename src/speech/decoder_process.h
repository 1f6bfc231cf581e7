// A decoder process as the server holds it: started for one recording, locked in before it gets a byte of it, asked for
// one piece after another, and gone with this object. What it says is checked as if the recording's author had written
// it: counts against the region, samples for being numbers, answers for coming in turn and in time.
//
// Any thread may call. Callbacks are called exactly once, on the supervisor's thread (model/supervisor.h): they must
// not block. Dropping the decoder ends the process; a callback that is still owed then gets code cancelled.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/cage.h"
#include "speech/audio_file.h"
#include "speech/decoder_protocol.h"

namespace blindai::speech {

struct DecoderOptions {
  // The program of apps/decoder, absolute.
  std::string decoder_program;
  DecodeLimits limits;
  // From start to the first decoded frame, and for one piece.
  int open_timeout_ms = 30'000;
  int piece_timeout_ms = 30'000;
  // Address space beyond what the libraries use after their start, the file and the region.
  std::uint64_t memory_limit_bytes = std::uint64_t{384} << 20;
};

// Some seconds of a recording: samples of each channel, as many in each. Wiped when it dies.
struct AudioPiece {
  AudioPiece() = default;
  AudioPiece(AudioPiece&&) = default;
  AudioPiece& operator=(AudioPiece&&) = default;
  ~AudioPiece();

  std::vector<std::vector<float>> channels;
  bool last = false;
};

class DecoderProcess {
 public:
  using Opened = std::function<void(base::Result<std::shared_ptr<DecoderProcess>>)>;
  using PieceDone = std::function<void(base::Result<AudioPiece>)>;

  // `file` is sealed. Codes: those of RefusalError, decoder-timeout, decoder-crashed, worker-unavailable.
  static void Start(std::shared_ptr<const AudioFile> file, DecoderOptions options, Opened opened);
  ~DecoderProcess();
  DecoderProcess(const DecoderProcess&) = delete;
  DecoderProcess& operator=(const DecoderProcess&) = delete;

  int channels() const;
  // What the file states that it lasts; 0 when it states nothing.
  double announced_s() const;
  model::Cage cage() const;
  std::int64_t pid() const;

  // The next piece, 10 s unless it is the last. One call at a time; none after the last piece or an error. Codes: those
  // of Start, cancelled.
  void Next(PieceDone done);

 private:
  class Impl;
  explicit DecoderProcess(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace blindai::speech
