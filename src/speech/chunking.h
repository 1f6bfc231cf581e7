// Cuts a long recording into pieces that a model can take, and says which output frames of each piece to
// keep, so that the kept frames are exactly those of one pass over the whole: no gap, no overlap, and times
// need no repair.
//
// Frame t of a wav2vec2 model covers samples [320 t, 320 t + 400). A cut at silence lies on a multiple of
// 320, and the piece before it is given 80 samples more, so that it contains the frame that straddles the
// cut. Where there is no silence, neighbouring pieces overlap by a stride on both sides, whose frames are
// thrown away: 1.28 s or more keeps the positional convolution exact. Pieces are never padded: zeros behind
// the speech change every frame of a group-norm model. Rule and reference: Hugging Face's chunking for CTC;
// the seam test in chunking_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace blindai::speech {

constexpr std::int64_t kSamplesPerFrame = 320;
constexpr std::int64_t kFrameOverlapSamples = 80;  // 400 − 320
// Pieces that end in silence are whole steps long, and those 80 samples, where the silence allows (0.24 s).
constexpr std::int64_t kLengthStepSamples = 12 * kSamplesPerFrame;

struct ChunkOptions {
  // The longest piece, strides included; a multiple of 320.
  std::int64_t max_samples = 15 * 16'000;
  // Thrown away on each side of a cut without silence; a multiple of 320.
  std::int64_t stride_samples = 2 * 16'000;
  // A silence shorter than this is not cut in.
  std::int64_t min_silence_samples = 4'800;
};

// Samples [begin, end) are given to the model. Of its frames, numbered from the start of the recording, those
// in [first_frame, end_frame) are kept; all that it gives from first_frame on when it is the last piece.
struct Chunk {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t first_frame = 0;
  std::int64_t end_frame = 0;
  bool last = false;
  // Begins and ends in silence (or at the recording's ends): a text can be finished here.
  bool ends_in_silence = false;
};

// A stretch without speech.
struct Silence {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

// Plans piece by piece while a recording arrives, so that only one piece of it is ever held.
class ChunkPlanner {
 public:
  explicit ChunkPlanner(const ChunkOptions& options);

  // Where the next piece begins: samples before this are needed no more.
  std::int64_t needed_from() const { return begin_; }
  // How many samples must be known (or the recording have ended) before Next() can say something.
  std::int64_t needed_to() const { return begin_ + options_.max_samples; }

  // The next piece, of a recording of which `known` samples are there, all of them when `ended`. `silences`
  // are in order and cover the known part. Call while there is a piece to plan: until one was `last`.
  Chunk Next(std::int64_t known, bool ended, std::span<const Silence> silences);

 private:
  ChunkOptions options_;
  std::int64_t begin_ = 0;        // of the next piece
  std::int64_t first_frame_ = 0;  // that the next piece must keep
};

}  // namespace blindai::speech
