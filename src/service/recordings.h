// Recordings that are on their way in or being transcribed: each in kernel memory (speech/audio_file), and all together
// within a bound, so that no number of callers can fill the machine. The room that a recording takes is free again when
// its last holder lets go, whatever became of it. Any thread may call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "speech/audio_file.h"

namespace blindai::service {

struct RecordingLimits {
  std::uint64_t max_bytes = std::uint64_t{2} << 30;        // of one recording
  std::uint64_t max_total_bytes = std::uint64_t{4} << 30;  // of all at a time
  std::size_t max_recordings = 64;                         // at a time
};

class Recordings {
 public:
  explicit Recordings(const RecordingLimits& limits);

  // One recording that arrives; it gives up its room when it is dropped before Finish.
  class Incoming {
   public:
    // The next bytes. Codes: audio-too-large, recordings-full, out-of-memory.
    base::Status Append(base::ByteView bytes);
    // The recording is complete. Codes: audio-empty, internal.
    static base::Result<std::shared_ptr<const speech::AudioFile>> Finish(std::unique_ptr<Incoming> incoming);
    ~Incoming();
    Incoming(const Incoming&) = delete;
    Incoming& operator=(const Incoming&) = delete;

   private:
    friend class Recordings;
    struct Held;
    explicit Incoming(std::shared_ptr<Held> held);
    std::shared_ptr<Held> held_;
  };

  // `announced_bytes`: about as many are to come, 0 when nobody knows. Codes: recordings-full (kExhausted),
  // audio-too-large, out-of-memory.
  base::Result<std::unique_ptr<Incoming>> Begin(std::uint64_t announced_bytes);

  // For metrics.
  std::size_t count() const;
  std::uint64_t bytes() const;

 private:
  struct Room;
  std::shared_ptr<Room> room_;
};

}  // namespace blindai::service
