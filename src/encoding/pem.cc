#include "encoding/pem.h"

#include "encoding/base64.h"

namespace blindai::encoding {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kEnd = "-----END ";
constexpr std::string_view kDashes = "-----";
constexpr std::size_t kMaxLabelBytes = 64;

base::Error BadPem(std::string message) { return base::Malformed(std::move(message), "bad-pem"); }

// The base64 digits of a block without its line ends. Headers ("Proc-Type: …") contain a colon, which is no
// digit.
std::string JoinLines(std::string_view body) {
  std::string digits;
  digits.reserve(body.size());
  for (const char c : body) {
    if (c != '\n' && c != '\r' && c != ' ' && c != '\t') digits += c;
  }
  return digits;
}

}  // namespace

base::Result<std::vector<PemBlock>> ParsePem(std::string_view text, const PemLimits& limits) {
  if (text.size() > limits.max_text_bytes) {
    return base::MakeError(base::ErrorKind::kTooLarge, "too-large",
                           "PEM text has " + std::to_string(text.size()) + " bytes, at most " +
                               std::to_string(limits.max_text_bytes) + " are read");
  }
  std::vector<PemBlock> blocks;
  std::size_t begin = text.find(kBegin);
  while (begin != std::string_view::npos) {
    if (blocks.size() == limits.max_blocks) {
      return base::MakeError(base::ErrorKind::kTooLarge, "too-large",
                             "more than " + std::to_string(limits.max_blocks) + " PEM blocks");
    }
    const std::string place = "PEM block " + std::to_string(blocks.size() + 1);
    const std::size_t label_start = begin + kBegin.size();
    const std::size_t label_end = text.find(kDashes, label_start);
    if (label_end == std::string_view::npos) return BadPem(place + ": its first line does not end");
    const std::string_view label = text.substr(label_start, label_end - label_start);
    if (label.size() > kMaxLabelBytes || label.find('\n') != std::string_view::npos) {
      return BadPem(place + ": its first line has no label");
    }
    const std::size_t body_start = label_end + kDashes.size();
    const std::string last_line = std::string(kEnd) + std::string(label) + std::string(kDashes);
    const std::size_t body_end = text.find(last_line, body_start);
    if (body_end == std::string_view::npos) return BadPem(place + ": its last line is missing");
    auto bytes = Base64Decode(JoinLines(text.substr(body_start, body_end - body_start))).Within(place);
    if (!bytes.ok()) return BadPem(bytes.error().message);
    if (bytes->empty()) return BadPem(place + ": is empty");
    blocks.push_back({std::string(label), std::move(*bytes)});
    begin = text.find(kBegin, body_end + last_line.size());
  }
  if (blocks.empty()) return BadPem("no PEM block found, wanted \"-----BEGIN …-----\"");
  return blocks;
}

std::string PemEncode(std::string_view label, base::ByteView bytes) {
  constexpr std::size_t kLine = 64;
  const std::string digits = Base64Encode(bytes);
  std::string text = std::string(kBegin) + std::string(label) + std::string(kDashes) + "\n";
  for (std::size_t i = 0; i < digits.size(); i += kLine) text += digits.substr(i, kLine) + "\n";
  return text + std::string(kEnd) + std::string(label) + std::string(kDashes) + "\n";
}

bool LooksLikePem(base::ByteView bytes) { return base::AsText(bytes).find(kBegin) != std::string_view::npos; }

}  // namespace blindai::encoding
