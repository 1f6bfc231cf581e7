#include "protocols/wire/blindai_v05/upload_stream.h"

#include <fmt/format.h>

namespace blindai::wire {
namespace {

using base::ErrorKind;
using base::MakeError;
using base::Result;

// The published client sends 32 KiB in each message; whoever sends crumbs is refused once there are many.
constexpr std::uint64_t kFreeMessages = 4096;
constexpr std::uint64_t kMinMeanMessageBytes = 1024;

}  // namespace

Result<UploadStream> UploadStream::Begin(const securedexchange::SendModelRequest& first) {
  if (first.length() == 0) {
    return MakeError(ErrorKind::kInvalid, "length-missing",
                     "the first message declares no length; say how many bytes the file has", "length");
  }
  UploadStream stream;
  stream.id_ = first.model_id().empty() ? first.model_name() : first.model_id();
  stream.length_ = first.length();
  stream.sign_ = first.sign();
  return stream;
}

Result<base::ByteView> UploadStream::Next(const securedexchange::SendModelRequest& message) {
  ++messages_;
  if (messages_ > kFreeMessages + received_ / kMinMeanMessageBytes) {
    return MakeError(ErrorKind::kTooLarge, "too-many-messages",
                     fmt::format("{} messages brought {} bytes; send larger pieces", messages_, received_));
  }
  const base::ByteView piece = base::AsBytes(message.data());
  if (piece.size() > length_ - received_) {
    return MakeError(ErrorKind::kInvalid, "upload-length",
                     fmt::format("more than the {} declared bytes arrived; send the file again", length_),
                     "length");
  }
  received_ += piece.size();
  return piece;
}

}  // namespace blindai::wire
