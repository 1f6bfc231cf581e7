// The body of an upload with kind=ctc-speech: multipart/form-data with the parts `model` (or `file`), `vocab`,
// `preprocessor` and, where there is one, `language_model` (an ARPA file), in any order. The model's bytes go on to the
// upload as they arrive; the other files are kept and become the model's speech settings at the end. Parts with other
// names are ignored.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "protocols/wire/multipart.h"
#include "service/upload_model.h"

namespace blindai::endpoints {

// What the parts beside the model, the boundaries and the heads take at most.
constexpr std::uint64_t kSpeechFilesBytes = std::uint64_t{68} << 20;

class SpeechUpload {
 public:
  // `upload` must outlive it. Code: multipart-type.
  static base::Result<std::unique_ptr<SpeechUpload>> Make(std::string_view content_type,
                                                          service::ModelUpload& upload);
  SpeechUpload(const SpeechUpload&) = delete;
  SpeechUpload& operator=(const SpeechUpload&) = delete;

  // The next bytes of the body. Codes: multipart, upload-part (a part twice or too long; param: its name), those of
  // ModelUpload::Feed.
  base::Status Feed(base::ByteView bytes) { return reader_->Feed(bytes); }
  // The body has ended: gives the upload its settings. Codes: multipart, upload-part (one is missing), vocabulary,
  // preprocessor, language-model.
  base::Status Finish();

 private:
  explicit SpeechUpload(service::ModelUpload& upload) : upload_(upload) {}
  base::Status Begin(const wire::PartHead& head);
  base::Status Take(base::ByteView bytes);

  service::ModelUpload& upload_;
  std::optional<wire::MultipartReader> reader_;
  std::map<std::string, std::string, std::less<>> files_;  // by name of the part; `model` stays empty
  std::string part_;                                       // that is being read; empty: one to ignore
};

}  // namespace blindai::endpoints
