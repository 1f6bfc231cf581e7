// multipart/form-data (RFC 7578) read as it arrives: the bytes of a part are handed on as they come, so a
// recording of gigabytes needs a few kilobytes here. Strict about what matters and bounded everywhere: at
// most so many parts, so many bytes of header and of a boundary; a body that ends early is an error. File
// names are read and not believed: they are cut, and never used as a path.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace blindai::wire {

struct PartHead {
  std::string name;
  std::string file_name;     // empty when there is none
  std::string content_type;  // lower case, without parameters; empty when there is none
};

// What the reader calls, in this order for each part. An error from a callback ends the reading with it.
struct PartHandler {
  std::function<base::Status(const PartHead&)> begin;
  std::function<base::Status(base::ByteView)> data;
  std::function<base::Status()> end;
};

struct MultipartLimits {
  std::size_t max_parts = 256;
  std::size_t max_head_bytes = 4096;
};

class MultipartReader {
 public:
  // `content_type` is the request's field: multipart/form-data; boundary=…. Code: multipart-type.
  static base::Result<MultipartReader> Make(std::string_view content_type, PartHandler handler,
                                            MultipartLimits limits = {});

  // The next bytes of the body, in pieces of any size. Codes: multipart, and those of the handler.
  base::Status Feed(base::ByteView bytes);
  // The body has ended. Code: multipart (it ended early).
  base::Status Finish();

 private:
  enum class State { kPreamble, kAfterBoundary, kHead, kBody, kEpilogue };

  MultipartReader(std::string boundary, PartHandler handler, MultipartLimits limits);
  base::Result<bool> Step();
  base::Result<bool> StepHead();
  base::Result<bool> StepBody();

  std::string delimiter_;  // "\r\n--boundary"
  PartHandler handler_;
  MultipartLimits limits_;
  State state_ = State::kPreamble;
  std::size_t parts_ = 0;
  base::Bytes pending_;  // not yet understood; at most a head or a delimiter and what was fed
};

// The writing side: what stands before a part's bytes (which "\r\n" follows), and what ends the body. Quotes and line
// breaks in names are percent-encoded, as browsers do.
std::string EncodePartHead(std::string_view boundary, const PartHead& head);
std::string EncodeMultipartEnd(std::string_view boundary);

}  // namespace blindai::wire
