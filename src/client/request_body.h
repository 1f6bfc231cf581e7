// The body of a request as it goes out, piece by piece: texts, memory that the caller keeps, and files, one after the
// other, so that a file of gigabytes is never in memory. With a boundary it is a multipart/form-data body (RFC 7578).
#pragma once

#include <cstdint>
#include <fstream>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::client {

// A file: a path, or bytes that the caller keeps.
struct FileSource {
  static FileSource File(std::string path) { return {std::move(path), {}}; }
  static FileSource Memory(base::ByteView bytes) { return {std::nullopt, bytes}; }

  std::optional<std::string> path;
  base::ByteView bytes;
};

class RequestBody {
 public:
  // Called before each piece goes out: bytes with it, bytes in all. False ends it with code cancelled.
  using Progress = std::function<bool(std::uint64_t sent, std::uint64_t total)>;

  explicit RequestBody(Progress progress) : progress_(std::move(progress)) {}
  RequestBody(RequestBody&&) = default;

  void AddText(std::string text);
  // `what` names it in errors ("model"). Codes: argument (not there, not a file, empty, cannot be read).
  base::Status AddFile(const FileSource& source, std::string_view what);

  std::uint64_t total() const { return total_; }
  // Fills `into` with the next bytes; 0 at the end. Codes: argument (a file changed meanwhile), cancelled.
  base::Result<std::size_t> Read(std::span<std::uint8_t> into);

 private:
  struct Piece {
    std::string text;
    base::ByteView bytes;
    std::optional<std::ifstream> file;
    std::uint64_t size = 0;
    std::string what;
  };
  base::Status ReadPiece(Piece& piece, std::span<std::uint8_t> into);

  Progress progress_;
  std::vector<Piece> pieces_;
  std::size_t at_ = 0;      // the piece that is read
  std::uint64_t done_ = 0;  // bytes of it
  std::uint64_t sent_ = 0;
  std::uint64_t total_ = 0;
};

// Parts of a form, one after the other; the boundary is random, so that no file can hold it.
class FormBody {
 public:
  // A form that may have to be sent again, the same byte for byte, has a boundary that its maker keeps.
  explicit FormBody(RequestBody::Progress progress, std::string boundary = RandomBoundary());

  static std::string RandomBoundary();

  void AddField(std::string_view name, std::string_view value);
  // `file_name` is what the server is told, and errors. Codes: those of RequestBody::AddFile.
  base::Status AddFile(std::string_view name, std::string_view file_name, const FileSource& source);

  std::string ContentType() const;
  // Ends the form.
  RequestBody Finish() &&;

 private:
  std::string boundary_;
  RequestBody body_;
};

}  // namespace blindai::client
