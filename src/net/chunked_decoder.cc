#include "net/chunked_decoder.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace blindai::net {
namespace {

constexpr std::string_view kEndOfLine = "\r\n";

bool HasControls(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

base::Error Broken(std::string_view code) {
  return base::Malformed("The chunked body is not well formed", std::string(code));
}

}  // namespace

base::Status ChunkedDecoder::TakeSize(std::string_view line) {
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
  const std::string_view rest = line.substr(static_cast<std::size_t>(end - line.data()));
  if (error != std::errc() || (!rest.empty() && rest.front() != ';')) return Broken(code_);
  data_left_ = size;
  state_ = size > 0 ? State::kData : State::kTrailer;
  return base::Ok();
}

base::Status ChunkedDecoder::TakeLine(std::string_view line) {
  if (HasControls(line)) return Broken(code_);
  if (state_ == State::kSize) return TakeSize(line);
  trailer_size_ += line.size();
  if (line.empty()) {
    state_ = State::kDone;
  } else if (trailer_size_ > kMaxTrailer || line.find(':') == std::string_view::npos) {
    return Broken(code_);
  }
  return base::Ok();
}

base::Result<ChunkedDecoder::Progress> ChunkedDecoder::Decode(base::ByteView input,
                                                              std::span<std::uint8_t> output) {
  Progress progress;
  while (state_ != State::kDone) {
    const base::ByteView rest = input.subspan(progress.consumed);
    const std::string_view text = base::AsText(rest);
    if (state_ == State::kData) {
      const std::uint64_t room = std::min(rest.size(), output.size() - progress.produced);
      const auto count = static_cast<std::size_t>(std::min(room, data_left_));
      if (count == 0) break;
      std::copy_n(rest.begin(), count, output.begin() + static_cast<std::ptrdiff_t>(progress.produced));
      progress.consumed += count;
      progress.produced += count;
      data_left_ -= count;
      if (data_left_ == 0) state_ = State::kDataEnd;
    } else if (state_ == State::kDataEnd) {
      if (text.substr(0, 2) != kEndOfLine.substr(0, std::min<std::size_t>(text.size(), 2)))
        return Broken(code_);
      if (text.size() < 2) break;
      progress.consumed += 2;
      state_ = State::kSize;
    } else {
      const std::size_t end = text.find(kEndOfLine);
      if (end == std::string_view::npos && text.size() > kMaxLine) return Broken(code_);
      // A line that ends with LF alone would be waited for in vain.
      if (text.substr(0, end).find('\n') != std::string_view::npos) return Broken(code_);
      if (end == std::string_view::npos) break;
      if (end > kMaxLine) return Broken(code_);
      BLINDAI_RETURN_IF_ERROR(TakeLine(text.substr(0, end)));
      progress.consumed += end + kEndOfLine.size();
    }
  }
  progress.done = state_ == State::kDone;
  return progress;
}

}  // namespace blindai::net
