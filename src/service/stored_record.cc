#include "service/stored_record.h"

#include <utility>

#include "base/byte_reader.h"
#include "base/byte_writer.h"
#include "service/transcribe.h"
#include "service/whisper_model.h"

namespace blindai::service {
namespace {

using base::ByteReader;
using base::ByteView;
using base::ByteWriter;
using base::Result;
using vocabulary::TensorSpec;

constexpr std::uint32_t kFormat = 3;
// Of older servers.
constexpr std::uint32_t kFormatWithoutVersions = 2;
constexpr std::uint32_t kFormatWithoutDefault = 1;
constexpr std::uint64_t kNever = ~std::uint64_t{0};
// How a model transcribes.
constexpr std::uint8_t kNoSpeech = 0;
constexpr std::uint8_t kCtc = 1;
constexpr std::uint8_t kWhisper = 2;
constexpr std::uint32_t kMaxSpecs = 1024;
constexpr std::uint32_t kMaxTenants = 1024;
constexpr std::uint32_t kMaxTextBytes = 16 << 20;

base::Error Unreadable() {
  return base::Malformed("what was stored about this model is of another version of this program",
                         "stored-record");
}

void PutText(ByteWriter& writer, std::string_view text) {
  writer.U32(static_cast<std::uint32_t>(text.size())).Append(text);
}
Result<std::string> TakeText(ByteReader& reader, std::string_view field) {
  BLINDAI_TRY(const std::uint32_t size, reader.U32(field));
  if (size > kMaxTextBytes) return Unreadable();
  BLINDAI_TRY(const ByteView text, reader.Take(field, size));
  return std::string(base::AsText(text));
}

void PutSpecs(ByteWriter& writer, const std::vector<TensorSpec>& specs) {
  writer.U32(static_cast<std::uint32_t>(specs.size()));
  for (const TensorSpec& spec : specs) {
    PutText(writer, spec.name);
    PutText(writer, vocabulary::DatatypeName(spec.datatype));
    writer.U8(static_cast<std::uint8_t>(spec.shape.size()));
    for (const std::int64_t dim : spec.shape) writer.U64(static_cast<std::uint64_t>(dim));
  }
}
Result<std::vector<TensorSpec>> TakeSpecs(ByteReader& reader) {
  BLINDAI_TRY(const std::uint32_t count, reader.U32("tensors"));
  if (count > kMaxSpecs) return Unreadable();
  std::vector<TensorSpec> specs;
  for (std::uint32_t i = 0; i < count; ++i) {
    TensorSpec spec;
    BLINDAI_TRY(spec.name, TakeText(reader, "name"));
    BLINDAI_TRY(const std::string datatype, TakeText(reader, "datatype"));
    const auto known = vocabulary::DatatypeFromName(datatype);
    BLINDAI_TRY(const std::uint8_t rank, reader.U8("rank"));
    if (!known || rank > vocabulary::kMaxRank) return Unreadable();
    spec.datatype = *known;
    for (std::uint8_t dim = 0; dim < rank; ++dim) {
      BLINDAI_TRY(const std::uint64_t size, reader.U64("dimension"));
      spec.shape.push_back(static_cast<std::int64_t>(size));
    }
    specs.push_back(std::move(spec));
  }
  return specs;
}

std::uint64_t Seconds(base::Time time) { return static_cast<std::uint64_t>(time.time_since_epoch().count()); }
base::Time TimeOf(std::uint64_t seconds) {
  return base::Time(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
}

base::Status TakeVersions(ByteReader& reader, ModelRecord& record) {
  BLINDAI_TRY(record.numbered_to, reader.U64("numbered to"));
  BLINDAI_TRY(const std::string policy, TakeText(reader, "version policy"));
  Result<vocabulary::VersionPolicy> parsed = vocabulary::VersionPolicy::Parse(policy);
  if (!parsed.ok() || record.numbered_to < record.version) return Unreadable();
  record.policy = std::move(parsed).value();
  BLINDAI_TRY(const std::uint32_t labels, reader.U32("labels"));
  if (labels > vocabulary::kMaxVersionLabels) return Unreadable();
  for (std::uint32_t i = 0; i < labels; ++i) {
    BLINDAI_TRY(std::string label, TakeText(reader, "label"));
    if (!vocabulary::IsVersionLabel(label)) return Unreadable();
    record.labels.push_back(std::move(label));
  }
  return base::Ok();
}

Result<ModelRecord> Take(ByteReader& reader, const model::StoredModel& stored) {
  BLINDAI_TRY(const std::uint32_t format, reader.U32("format"));
  if (format < kFormatWithoutDefault || format > kFormat) return Unreadable();
  BLINDAI_TRY(vocabulary::ModelId id, vocabulary::ModelId::Parse(stored.id));
  ModelRecord record{.id = std::move(id), .created = {}, .signature = {}};
  record.owner = stored.owner;
  record.sha256 = stored.sha256_hex;
  record.bytes = stored.bytes;
  record.version = stored.version;
  record.is_saved = true;
  BLINDAI_TRY(const std::uint8_t precision, reader.U8("precision"));
  BLINDAI_TRY(const std::uint8_t visibility, reader.U8("visibility"));
  if (precision > static_cast<std::uint8_t>(Precision::kBf16) ||
      visibility > static_cast<std::uint8_t>(Visibility::kPublic)) {
    return Unreadable();
  }
  record.precision = static_cast<Precision>(precision);
  record.visibility = static_cast<Visibility>(visibility);
  BLINDAI_TRY(record.parameters, reader.U64("parameters"));
  BLINDAI_TRY(const std::uint64_t opset, reader.U64("opset"));
  record.opset = static_cast<std::int64_t>(opset);
  BLINDAI_TRY(const std::uint64_t created, reader.U64("created"));
  record.created = TimeOf(created);
  BLINDAI_TRY(const std::uint64_t expires, reader.U64("expires"));
  if (expires != kNever) record.expires = TimeOf(expires);
  BLINDAI_TRY(const std::uint32_t tenants, reader.U32("tenants"));
  if (tenants > kMaxTenants) return Unreadable();
  for (std::uint32_t i = 0; i < tenants; ++i) {
    BLINDAI_TRY(std::string tenant, TakeText(reader, "tenant"));
    record.tenants.push_back(std::move(tenant));
  }
  BLINDAI_TRY(record.signature.inputs, TakeSpecs(reader));
  BLINDAI_TRY(record.signature.outputs, TakeSpecs(reader));
  BLINDAI_TRY(const std::uint8_t is_speech, reader.U8("speech"));
  if (is_speech > kWhisper) return Unreadable();
  if (is_speech == kWhisper) {
    BLINDAI_TRY(const std::string tokenizer, TakeText(reader, "tokenizer"));
    BLINDAI_TRY(const std::string generation_config, TakeText(reader, "generation config"));
    BLINDAI_TRY(const std::string preprocessor, TakeText(reader, "preprocessor"));
    BLINDAI_TRY(record.whisper, MakeWhisperSettings(tokenizer, generation_config, preprocessor));
    BLINDAI_RETURN_IF_ERROR(CheckWhisperSignature(record.signature, *record.whisper));
  }
  if (is_speech == kCtc) {
    BLINDAI_TRY(const std::string vocabulary, TakeText(reader, "vocabulary"));
    BLINDAI_TRY(const std::string preprocessor, TakeText(reader, "preprocessor"));
    BLINDAI_TRY(const std::string language_model, TakeText(reader, "language model"));
    BLINDAI_TRY(record.speech, MakeSpeechSettings(vocabulary, preprocessor, language_model));
  }
  if (format > kFormatWithoutDefault) {
    BLINDAI_TRY(const std::uint8_t is_default, reader.U8("default"));
    if (is_default > 1) return Unreadable();
    record.is_default = is_default == 1;
  }
  record.numbered_to = record.version;
  if (format > kFormatWithoutVersions) BLINDAI_RETURN_IF_ERROR(TakeVersions(reader, record));
  BLINDAI_RETURN_IF_ERROR(reader.End("record"));
  return record;
}

}  // namespace

model::StoredModel ToStored(const ModelRecord& record) {
  ByteWriter writer;
  writer.U32(kFormat).U8(static_cast<std::uint8_t>(record.precision));
  writer.U8(static_cast<std::uint8_t>(record.visibility)).U64(record.parameters);
  writer.U64(static_cast<std::uint64_t>(record.opset)).U64(Seconds(record.created));
  writer.U64(record.expires ? Seconds(*record.expires) : kNever);
  writer.U32(static_cast<std::uint32_t>(record.tenants.size()));
  for (const std::string& tenant : record.tenants) PutText(writer, tenant);
  PutSpecs(writer, record.signature.inputs);
  PutSpecs(writer, record.signature.outputs);
  writer.U8(record.speech != nullptr ? kCtc : record.whisper != nullptr ? kWhisper : kNoSpeech);
  if (record.speech != nullptr) {
    PutText(writer, record.speech->vocab_json);
    PutText(writer, record.speech->preprocessor_json);
    PutText(writer, record.speech->language_model_file);
  }
  if (record.whisper != nullptr) {
    PutText(writer, record.whisper->tokenizer_json);
    PutText(writer, record.whisper->generation_config_json);
    PutText(writer, record.whisper->preprocessor_json);
  }
  writer.U8(record.is_default ? 1 : 0).U64(record.numbered_to);
  PutText(writer, record.policy.ToText());
  writer.U32(static_cast<std::uint32_t>(record.labels.size()));
  for (const std::string& label : record.labels) PutText(writer, label);
  return {.id = record.id.text(),
          .owner = record.owner,
          .version = record.version,
          .sha256_hex = record.sha256,
          .bytes = record.bytes,
          .details = std::move(writer).Take()};
}

Result<ModelRecord> FromStored(const model::StoredModel& stored) {
  ByteReader reader(stored.details);
  Result<ModelRecord> record = Take(reader, stored);
  if (!record.ok() && record.error().code == "malformed") return Unreadable();
  return record;
}

}  // namespace blindai::service
