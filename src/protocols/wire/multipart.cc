#include "protocols/wire/multipart.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/ascii.h"

namespace blindai::wire {
namespace {

using base::Result;
using base::Status;

constexpr std::size_t kMaxBoundaryBytes = 70;  // RFC 2046 section 5.1.1
constexpr std::size_t kMaxNameBytes = 128;

base::Error Broken(std::string message) {
  return base::MakeError(base::ErrorKind::kInvalid, "multipart", "multipart body: " + std::move(message));
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The value of one parameter of a header field ("form-data; name=\"file\""), unquoted. The name has no case.
std::string Parameter(std::string_view field, std::string_view wanted) {
  std::size_t at = field.find(';');
  while (at < field.size()) {
    ++at;
    const std::size_t equals = field.find('=', at);
    if (equals == std::string_view::npos) return "";
    const std::string name = base::LowerCase(Trimmed(field.substr(at, equals - at)));
    std::string value;
    at = equals + 1;
    if (at < field.size() && field[at] == '"') {
      for (++at; at < field.size() && field[at] != '"'; ++at) {
        if (field[at] == '\\' && at + 1 < field.size()) ++at;
        value += field[at];
      }
      at = std::min(field.find(';', at), field.size());
    } else {
      const std::size_t end = std::min(field.find(';', at), field.size());
      value = Trimmed(field.substr(at, end - at));
      at = end;
    }
    if (name == wanted) return value;
  }
  return "";
}

bool IsBoundary(std::string_view text) {
  constexpr std::string_view kPunctuation = "'()+_,-./:=? ";
  return !text.empty() && text.size() <= kMaxBoundaryBytes && text.back() != ' ' &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return (c >= '0' && c <= '9') || (base::LowerCase(c) >= 'a' && base::LowerCase(c) <= 'z') ||
                  kPunctuation.find(c) != std::string_view::npos;
         });
}

Result<PartHead> ParseHead(std::string_view text) {
  PartHead head;
  bool disposition = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\r\n"), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 2, text.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return Broken("a header line of a part has no ':'");
    const std::string name = base::LowerCase(line.substr(0, colon));
    const std::string_view value = Trimmed(line.substr(colon + 1));
    if (name == "content-disposition") {
      disposition = true;
      if (base::LowerCase(value.substr(0, value.find(';'))) != "form-data")
        return Broken("a part is not form-data");
      head.name = Parameter(value, "name");
      head.file_name = Parameter(value, "filename").substr(0, kMaxNameBytes);
    } else if (name == "content-type") {
      head.content_type = base::LowerCase(Trimmed(value.substr(0, value.find(';'))));
    } else if (name == "content-transfer-encoding" && base::LowerCase(value) != "binary" &&
               base::LowerCase(value) != "8bit" && base::LowerCase(value) != "7bit") {
      return Broken("a part has a transfer encoding; send it as it is (binary)");
    }
  }
  if (!disposition || head.name.empty()) return Broken("a part has no Content-Disposition with a name");
  if (head.name.size() > kMaxNameBytes)
    return Broken(fmt::format("a part's name has more than {} bytes", kMaxNameBytes));
  return head;
}

// A name inside quotes (HTML standard, multipart form data).
std::string Quoted(std::string_view name) {
  std::string out;
  for (const char c : name) {
    switch (c) {
      case '"':
        out += "%22";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\r':
        out += "%0D";
        break;
      case '\n':
        out += "%0A";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace

Result<MultipartReader> MultipartReader::Make(std::string_view content_type, PartHandler handler,
                                              MultipartLimits limits) {
  const std::string boundary = Parameter(content_type, "boundary");
  if (base::LowerCase(Trimmed(content_type.substr(0, content_type.find(';')))) != "multipart/form-data" ||
      !IsBoundary(boundary)) {
    return base::MakeError(base::ErrorKind::kInvalid, "multipart-type",
                           "wanted a body of type multipart/form-data with a boundary of 1 to 70 characters");
  }
  return MultipartReader(boundary, std::move(handler), limits);
}

MultipartReader::MultipartReader(std::string boundary, PartHandler handler, MultipartLimits limits)
    : delimiter_("\r\n--" + std::move(boundary)), handler_(std::move(handler)), limits_(limits) {
  // The first delimiter may stand at the very start of the body, without the line break that belongs to the others.
  pending_ = {'\r', '\n'};
}

Status MultipartReader::Feed(base::ByteView bytes) {
  if (state_ == State::kEpilogue) return base::Ok();
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
  while (true) {
    BLINDAI_TRY(const bool moved, Step());
    if (!moved) return base::Ok();
  }
}

Status MultipartReader::Finish() {
  if (state_ == State::kEpilogue) return base::Ok();
  return Broken("it ends before its last boundary");
}

// Understands one more thing; false when more bytes are needed for it.
Result<bool> MultipartReader::Step() {
  switch (state_) {
    case State::kPreamble:
    case State::kBody:
      return StepBody();
    case State::kAfterBoundary: {
      if (pending_.size() < 2) return false;
      const std::string_view two = base::AsText(base::ByteView(pending_).first(2));
      if (two == "--") {
        state_ = State::kEpilogue;
        pending_.clear();
        return false;
      }
      if (two != "\r\n") return Broken("a boundary is followed by something else than a line break");
      pending_.erase(pending_.begin(), pending_.begin() + 2);
      state_ = State::kHead;
      return true;
    }
    case State::kHead:
      return StepHead();
    case State::kEpilogue:
      return false;
  }
  return false;
}

Result<bool> MultipartReader::StepHead() {
  constexpr std::string_view kEnd = "\r\n\r\n";
  const std::string_view text = base::AsText(pending_);
  const std::size_t end = text.find(kEnd);
  if (std::min(end, text.size()) > limits_.max_head_bytes) {
    return Broken(fmt::format("the head of a part has more than {} bytes", limits_.max_head_bytes));
  }
  if (end == std::string_view::npos) return false;
  if (++parts_ > limits_.max_parts) return Broken(fmt::format("more than {} parts", limits_.max_parts));
  BLINDAI_TRY(const PartHead head, ParseHead(text.substr(0, end)));
  // The last line break stays: it may belong to the delimiter of an empty part.
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(end + 4));
  state_ = State::kBody;
  BLINDAI_RETURN_IF_ERROR(handler_.begin(head));
  return true;
}

Result<bool> MultipartReader::StepBody() {
  const bool is_part = state_ == State::kBody;
  const std::string_view text = base::AsText(pending_);
  const std::size_t found = text.find(delimiter_);
  // Without a delimiter everything is data but what could be the beginning of one.
  const std::size_t data =
      found != std::string_view::npos ? found : text.size() - std::min(text.size(), delimiter_.size() - 1);
  if (is_part && data > 0) BLINDAI_RETURN_IF_ERROR(handler_.data(base::ByteView(pending_).first(data)));
  if (found == std::string_view::npos) {
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(data));
    return false;
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(found + delimiter_.size()));
  state_ = State::kAfterBoundary;
  if (is_part) BLINDAI_RETURN_IF_ERROR(handler_.end());
  return true;
}

std::string EncodePartHead(std::string_view boundary, const PartHead& head) {
  std::string out =
      fmt::format("--{}\r\nContent-Disposition: form-data; name=\"{}\"", boundary, Quoted(head.name));
  if (!head.file_name.empty()) out += fmt::format("; filename=\"{}\"", Quoted(head.file_name));
  if (!head.content_type.empty()) out += "\r\nContent-Type: " + head.content_type;
  return out + "\r\n\r\n";
}

std::string EncodeMultipartEnd(std::string_view boundary) { return fmt::format("--{}--\r\n", boundary); }

}  // namespace blindai::wire
