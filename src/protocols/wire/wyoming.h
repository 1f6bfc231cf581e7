// Wyoming, the protocol by which Home Assistant and its kin hand sound to a recogniser and get text back: events over
// TCP, each a line of JSON, then more JSON and bytes where the line says so. Read as it arrives, both directions' words
// for a recogniser. Nothing here is believed: every length is bounded before memory is kept for it, and a first line
// that is no event (a browser's request, say) is an error, never skipped.
// https://github.com/OHF-Voice/wyoming
//
// Code of everything that is no event: wyoming-event.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "protocols/wire/model_listing.h"

namespace blindai::wire {

// Of one event: its line, the JSON after that, and its bytes.
constexpr std::size_t kMaxWyomingLine = std::size_t{64} << 10;
constexpr std::size_t kMaxWyomingData = std::size_t{256} << 10;
constexpr std::size_t kMaxWyomingPayload = std::size_t{1} << 20;

// Samples as they are: little-endian, the channels of one moment beside each other; one byte is unsigned.
struct WyomingSound {
  std::uint32_t rate_hz = 0;   // 8,000 to 192,000
  std::uint16_t width = 0;     // bytes of a sample, 1 to 4
  std::uint16_t channels = 0;  // 1 to 8
  friend bool operator==(const WyomingSound&, const WyomingSound&) = default;
};

struct WyomingDescribe {};
struct WyomingPing {
  std::optional<std::string> text;
};
struct WyomingTranscribe {
  std::string model;     // empty: the recogniser's choice
  std::string language;  // "en", "en-US" or empty
};
struct WyomingAudioStart {
  WyomingSound sound;
};
struct WyomingAudioChunk {
  WyomingSound sound;
  base::SecretBytes samples;  // whole moments
};
struct WyomingAudioStop {};
// What a recogniser has no use for, and what this version does not know.
struct WyomingOther {};
using WyomingEvent = std::variant<WyomingOther, WyomingDescribe, WyomingPing, WyomingTranscribe,
                                  WyomingAudioStart, WyomingAudioChunk, WyomingAudioStop>;

class WyomingReader {
 public:
  WyomingReader();
  ~WyomingReader();
  WyomingReader(const WyomingReader&) = delete;
  WyomingReader& operator=(const WyomingReader&) = delete;

  // The next bytes, in pieces of any size. Take all events with Next before more is fed.
  void Feed(base::ByteView bytes);
  // The next event, or nothing while it has not come whole. After an error nothing more can be read.
  base::Result<std::optional<WyomingEvent>> Next();

 private:
  struct Head;
  base::Result<bool> ReadHead();
  void Drop(std::size_t count);

  base::Bytes pending_;         // at most one event that is not whole, and what was fed
  std::size_t searched_ = 0;    // of it, without the end of a line
  std::unique_ptr<Head> head_;  // of the event whose data and payload are not whole
};

// ---- What the recogniser says; each is a whole event ----

struct WyomingInfo {
  std::vector<ModelInfo> models;  // those that transcribe are told
  // What they understand, ISO 639-1: the protocol wants to know, a listing does not say.
  std::vector<std::string> languages;
  // Of the program that they belong to.
  std::string description;
};
std::string EncodeWyomingInfo(const WyomingInfo& info);
std::string EncodeWyomingPong(const WyomingPing& ping);
// A text as it grows: start, chunks, the whole once more, stop. `verdict` is our own: "trusted", "simulation".
std::string EncodeWyomingTranscriptStart();
std::string EncodeWyomingTranscriptChunk(std::string_view text);
std::string EncodeWyomingTranscript(std::string_view text, std::string_view verdict);
std::string EncodeWyomingTranscriptStop();
std::string EncodeWyomingError(const base::Error& error);

// The head of a WAVE file of unknown length that such samples follow.
base::Bytes StreamedWavHead(const WyomingSound& sound);

}  // namespace blindai::wire
