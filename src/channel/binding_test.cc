#include "channel/binding.h"

#include <gtest/gtest.h>

#include "encoding/hex.h"

namespace blindai::channel {
namespace {

template <typename Fixed>
Fixed Filled(std::uint8_t fill) {
  Fixed fixed;
  fixed.bytes.fill(fill);
  return fixed;
}

Binding Sample() {
  return {Filled<Nonce>(1), Filled<ExporterValue>(2), Filled<crypto::Sha256Digest>(3),
          Filled<crypto::Sha256Digest>(4), Filled<crypto::Sha256Digest>(5)};
}

std::string Repeat(const char* byte) {
  std::string text;
  for (int i = 0; i < 32; ++i) text += byte;
  return text;
}

// The worked example of docs/formats/binding.md, computed there with another program.
TEST(Binding, TheWorkedExampleHolds) {
  EXPECT_EQ(encoding::HexEncode(Sample().Encode()),
            "626c696e6461692d6174746573746174696f6e2d763100000000000000000000" + Repeat("01") + Repeat("02") +
                Repeat("03") + Repeat("04") + Repeat("05"));
  EXPECT_EQ(encoding::HexEncode(Sample().ToReportData().view()),
            "e67ad5ee5c5d3104df36638ef4e5e8c6942e0fe70b94a07d56cce467a7ae1ab86687fcf26afa33ac8f8bbf465f4ad224"
            "e9c033a122bdf945bf5cc5c6e4b353a2");
}

TEST(Binding, EveryComponentChangesTheReportData) {
  const evidence::ReportData report_data = Sample().ToReportData();
  Binding nonce = Sample(), exporter = Sample(), key = Sample(), keyset = Sample(), manifest = Sample();
  nonce.nonce.bytes[31] ^= 1;
  exporter.exporter.bytes[31] ^= 1;
  key.server_key.bytes[31] ^= 1;
  keyset.keyset.bytes[31] ^= 1;
  manifest.manifest.bytes[31] ^= 1;
  for (const Binding& other : {nonce, exporter, key, keyset, manifest})
    EXPECT_NE(other.ToReportData(), report_data);
}

TEST(Binding, SwappedComponentsAreAnotherStatement) {
  Binding swapped = Sample();
  std::swap(swapped.keyset, swapped.manifest);
  EXPECT_NE(swapped.ToReportData(), Sample().ToReportData());
}

}  // namespace
}  // namespace blindai::channel
