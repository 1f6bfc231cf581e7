// The body of an upload of a model that transcribes: multipart/form-data with these parts, in any order.
//
//   kind=ctc-speech  model (or file), vocab, preprocessor and, where there is one, language_model (an ARPA file or
//                    KenLM's binary)
//   kind=whisper     encoder, decoder and, where there is one, decoder_with_past; tokenizer, generation_config,
//                    preprocessor: the files of Hugging Face's names
//
// The networks go on to the upload as they arrive; the other files are kept and become the model's settings at the end.
// Parts with other names are ignored.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "protocols/wire/model_listing.h"
#include "protocols/wire/multipart.h"
#include "service/upload_model.h"

namespace blindai::endpoints {

// What the parts beside the model, the boundaries and the heads take at most.
constexpr std::uint64_t kSpeechFilesBytes = std::uint64_t{68} << 20;

class SpeechUpload {
 public:
  // `kind` is one that transcribes; `upload` must outlive it. Code: multipart-type.
  static base::Result<std::unique_ptr<SpeechUpload>> Make(wire::ModelKind kind, std::string_view content_type,
                                                          service::ModelUpload& upload);
  SpeechUpload(const SpeechUpload&) = delete;
  SpeechUpload& operator=(const SpeechUpload&) = delete;

  // The next bytes of the body. Codes: multipart, upload-part (a part twice or too long; param: its name), those of
  // ModelUpload::BeginPart and Feed.
  base::Status Feed(base::ByteView bytes) { return reader_->Feed(bytes); }
  // The body has ended: gives the upload its settings. Codes: multipart, upload-part (one is missing), vocabulary,
  // preprocessor, language-model, tokenizer, generation-config.
  base::Status Finish();

 private:
  struct Part;
  SpeechUpload(wire::ModelKind kind, service::ModelUpload& upload) : kind_(kind), upload_(upload) {}
  std::span<const Part> parts() const;
  const std::string& FileOf(std::string_view part) const;
  base::Status Begin(const wire::PartHead& head);
  base::Status Take(base::ByteView bytes);

  const wire::ModelKind kind_;
  service::ModelUpload& upload_;
  std::optional<wire::MultipartReader> reader_;
  std::map<std::string, std::string, std::less<>> files_;  // by name of the part; networks stay empty
  const Part* part_ = nullptr;                             // that is being read; null: one to ignore
};

}  // namespace blindai::endpoints
