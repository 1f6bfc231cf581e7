#include "channel/binding.h"

#include "base/byte_writer.h"
#include "base/check.h"
#include "crypto/random.h"

namespace blindai::channel {
namespace {

constexpr std::size_t kLabelSize = 32;
static_assert(kBindingLabel.size() <= kLabelSize);

}  // namespace

Nonce FreshNonce() { return crypto::RandomFixed<Nonce>(); }

base::Bytes Binding::Encode() const {
  base::ByteWriter writer;
  writer.Append(kBindingLabel).Zeros(kLabelSize - kBindingLabel.size());
  writer.Append(nonce.view()).Append(exporter.view()).Append(server_key.view()).Append(keyset.view());
  writer.Append(manifest.view());
  BLINDAI_CHECK(writer.size() == kBindingSize);
  return std::move(writer).Take();
}

evidence::ReportData Binding::ToReportData() const {
  evidence::ReportData report_data;
  report_data.bytes = crypto::Sha512(Encode()).bytes;
  return report_data;
}

}  // namespace blindai::channel
