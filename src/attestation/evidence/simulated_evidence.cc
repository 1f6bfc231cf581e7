#include "attestation/evidence/simulated_evidence.h"

#include <algorithm>
#include <string_view>

#include "base/byte_reader.h"
#include "base/byte_writer.h"

namespace blindai::evidence {
namespace {

constexpr std::string_view kMagic("BLNDSIM\0", 8);
constexpr std::uint32_t kVersion = 1;
constexpr std::string_view kLabel = "SIMULATION - PROVES NOTHING";
constexpr std::size_t kLabelSize = 32;
constexpr std::size_t kFirstGap = 4;
constexpr std::size_t kSecondGap = 48;
constexpr std::string_view kMeasurementText = "blindai simulated server: not measured";

bool IsZero(base::ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

base::Status ReadZeros(base::ByteReader& reader, std::string_view field, std::size_t size) {
  BLINDAI_TRY(const base::ByteView bytes, reader.Take(field, size));
  if (!IsZero(bytes))
    return base::Malformed(std::string(field) + ": seen a byte that is not zero, wanted zeros");
  return base::Ok();
}

}  // namespace

base::Bytes SimulatedEvidence::SignedBytes() const {
  base::ByteWriter writer;
  writer.Append(kMagic).U32(kVersion).Append(kLabel).Zeros(kLabelSize - kLabel.size()).Zeros(kFirstGap);
  writer.Append(measurement.view()).Append(report_data.view()).Zeros(kSecondGap);
  return std::move(writer).Take();
}

base::Bytes SimulatedEvidence::Encode() const {
  base::Bytes bytes = SignedBytes();
  bytes.insert(bytes.end(), signature.bytes.begin(), signature.bytes.end());
  return bytes;
}

base::Result<SimulatedEvidence> ParseSimulatedEvidence(base::ByteView bytes) {
  base::ByteReader reader(bytes);
  BLINDAI_TRY(const base::ByteView magic, reader.Take("magic", kMagic.size()));
  if (base::AsText(magic) != kMagic) return base::Malformed("magic: these bytes are not simulated evidence");
  BLINDAI_TRY(const std::uint32_t version, reader.U32("version"));
  if (version != kVersion) {
    return base::Malformed("version: seen " + std::to_string(version) + ", wanted 1", "evidence-version");
  }
  BLINDAI_TRY(const base::ByteView label, reader.Take("label", kLabelSize));
  if (base::AsText(label.first(kLabel.size())) != kLabel || !IsZero(label.subspan(kLabel.size()))) {
    return base::Malformed("label: wanted the text that says that this is a simulation");
  }
  BLINDAI_RETURN_IF_ERROR(ReadZeros(reader, "first reserved field", kFirstGap));
  SimulatedEvidence evidence;
  BLINDAI_TRY(evidence.measurement, reader.Fill<SimulatedMeasurement>("measurement"));
  BLINDAI_TRY(evidence.report_data, reader.Fill<ReportData>("report data"));
  BLINDAI_RETURN_IF_ERROR(ReadZeros(reader, "second reserved field", kSecondGap));
  BLINDAI_TRY(evidence.signature, reader.Fill<SimulatedEvidence::Signature>("signature"));
  BLINDAI_RETURN_IF_ERROR(reader.End("simulated evidence"));
  return evidence;
}

SimulatedMeasurement MeasurementOfSimulatedServer() {
  SimulatedMeasurement measurement;
  std::copy(kMeasurementText.begin(), kMeasurementText.end(), measurement.bytes.begin());
  return measurement;
}

}  // namespace blindai::evidence
