#include "service/recordings.h"

#include <fmt/format.h>

#include <mutex>
#include <utility>

namespace blindai::service {

using base::ErrorKind;
using base::MakeError;
using base::Result;

struct Recordings::Room {
  explicit Room(const RecordingLimits& the_limits) : limits(the_limits) {}

  const RecordingLimits limits;
  std::mutex mutex;
  std::size_t count = 0;
  std::uint64_t bytes = 0;
};

// A recording and the room that it takes.
struct Recordings::Incoming::Held {
  Held(std::shared_ptr<Room> the_room, std::unique_ptr<speech::AudioFile> the_file)
      : room(std::move(the_room)), file(std::move(the_file)) {}
  ~Held() {
    file.reset();
    const std::lock_guard lock(room->mutex);
    --room->count;
    room->bytes -= bytes;
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  const std::shared_ptr<Room> room;
  std::unique_ptr<speech::AudioFile> file;
  std::uint64_t bytes = 0;
};

namespace {

base::Error Full() {
  return MakeError(
      ErrorKind::kExhausted, "recordings-full",
      "as many recordings are being transcribed as this server takes at a time; try again later");
}

base::Error TooLarge(std::uint64_t limit) {
  return MakeError(
      ErrorKind::kTooLarge, "audio-too-large",
      fmt::format("the file is larger than {} bytes, the limit of this server; compress or cut it", limit),
      "file");
}

}  // namespace

Recordings::Recordings(const RecordingLimits& limits) : room_(std::make_shared<Room>(limits)) {}

Result<std::unique_ptr<Recordings::Incoming>> Recordings::Begin(std::uint64_t announced_bytes) {
  if (announced_bytes > room_->limits.max_bytes) return TooLarge(room_->limits.max_bytes);
  {
    const std::lock_guard lock(room_->mutex);
    if (room_->count == room_->limits.max_recordings ||
        announced_bytes > room_->limits.max_total_bytes - room_->bytes) {
      return Full();
    }
    ++room_->count;
  }
  // From here on `held` gives the room back.
  auto held = std::make_shared<Incoming::Held>(room_, nullptr);
  BLINDAI_TRY(held->file, speech::AudioFile::Create(room_->limits.max_bytes));
  return std::unique_ptr<Incoming>(new Incoming(std::move(held)));
}

std::size_t Recordings::count() const {
  const std::lock_guard lock(room_->mutex);
  return room_->count;
}

std::uint64_t Recordings::bytes() const {
  const std::lock_guard lock(room_->mutex);
  return room_->bytes;
}

Recordings::Incoming::Incoming(std::shared_ptr<Held> held) : held_(std::move(held)) {}
Recordings::Incoming::~Incoming() = default;

base::Status Recordings::Incoming::Append(base::ByteView bytes) {
  {
    Room& room = *held_->room;
    const std::lock_guard lock(room.mutex);
    if (bytes.size() > room.limits.max_total_bytes - room.bytes) return Full();
    room.bytes += bytes.size();
    held_->bytes += bytes.size();
  }
  return held_->file->Append(bytes);
}

Result<std::shared_ptr<const speech::AudioFile>> Recordings::Incoming::Finish(
    std::unique_ptr<Incoming> incoming) {
  const std::shared_ptr<Held> held = std::move(incoming->held_);
  BLINDAI_RETURN_IF_ERROR(held->file->Seal());
  return std::shared_ptr<const speech::AudioFile>(held, held->file.get());
}

}  // namespace blindai::service
