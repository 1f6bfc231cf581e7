#include "client/request_body.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <random>
#include <utility>

#include "client/failure.h"
#include "encoding/hex.h"
#include "protocols/wire/multipart.h"

namespace blindai::client {
namespace {

base::Error Argument(std::string_view what, std::string_view trouble) {
  return ArgumentError("the " + std::string(what) + " file " + std::string(trouble), "path");
}

}  // namespace

void RequestBody::AddText(std::string text) {
  Piece piece;
  piece.size = text.size();
  piece.text = std::move(text);
  total_ += piece.size;
  pieces_.push_back(std::move(piece));
}

base::Status RequestBody::AddFile(const FileSource& source, std::string_view what) {
  Piece piece;
  piece.bytes = source.bytes;
  piece.size = source.bytes.size();
  piece.what = what;
  if (source.path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(*source.path, error))
      return Argument(what, "is not there, or is not a file");
    piece.file.emplace(*source.path, std::ios::binary | std::ios::ate);
    const auto size = *piece.file ? static_cast<std::streamoff>(piece.file->tellg()) : std::streamoff{-1};
    if (size < 0) return Argument(what, "cannot be read; check its name and its permissions");
    piece.size = static_cast<std::uint64_t>(size);
    piece.file->seekg(0);
  }
  if (piece.size == 0) return Argument(what, "is empty");
  total_ += piece.size;
  pieces_.push_back(std::move(piece));
  return base::Ok();
}

base::Status RequestBody::ReadPiece(Piece& piece, std::span<std::uint8_t> into) {
  if (piece.file) {
    piece.file->read(reinterpret_cast<char*>(into.data()), static_cast<std::streamsize>(into.size()));
    if (static_cast<std::size_t>(piece.file->gcount()) != into.size())
      return Argument(piece.what, "changed while it was read");
  } else if (!piece.bytes.empty()) {
    std::memcpy(into.data(), piece.bytes.data() + done_, into.size());
  } else {
    std::memcpy(into.data(), piece.text.data() + done_, into.size());
  }
  return base::Ok();
}

base::Result<std::size_t> RequestBody::Read(std::span<std::uint8_t> into) {
  std::size_t filled = 0;
  while (filled < into.size() && at_ < pieces_.size()) {
    Piece& piece = pieces_[at_];
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(into.size() - filled, piece.size - done_));
    BLINDAI_RETURN_IF_ERROR(ReadPiece(piece, into.subspan(filled, size)));
    filled += size;
    done_ += size;
    if (done_ < piece.size) break;
    ++at_;
    done_ = 0;
  }
  sent_ += filled;
  if (progress_ && filled > 0 && !progress_(sent_, total_)) {
    return base::MakeError(base::ErrorKind::kCancelled, "cancelled", "the upload was ended by its caller");
  }
  return filled;
}

std::string FormBody::RandomBoundary() {
  std::random_device device;
  base::Bytes bytes(16);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(device());
  return "blindai-" + encoding::HexEncode(bytes);
}

FormBody::FormBody(RequestBody::Progress progress, std::string boundary)
    : boundary_(std::move(boundary)), body_(std::move(progress)) {}

void FormBody::AddField(std::string_view name, std::string_view value) {
  body_.AddText(wire::EncodePartHead(boundary_, {std::string(name), "", ""}) + std::string(value) + "\r\n");
}

base::Status FormBody::AddFile(std::string_view name, std::string_view file_name, const FileSource& source) {
  body_.AddText(wire::EncodePartHead(
      boundary_, {std::string(name), std::string(file_name), "application/octet-stream"}));
  BLINDAI_RETURN_IF_ERROR(body_.AddFile(source, file_name));
  body_.AddText("\r\n");
  return base::Ok();
}

std::string FormBody::ContentType() const { return "multipart/form-data; boundary=" + boundary_; }

RequestBody FormBody::Finish() && {
  body_.AddText(wire::EncodeMultipartEnd(boundary_));
  return std::move(body_);
}

}  // namespace blindai::client
