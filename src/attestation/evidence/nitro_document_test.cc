#include "attestation/evidence/nitro_document.h"

#include <gtest/gtest.h>

#include "encoding/base64.h"
#include "support/nitro_builder.h"
#include "support/paths.h"
#include "support/vectors.h"

namespace blindai::evidence {
namespace {

using base::Bytes;
using encoding::CborWriter;
using tests::NitroPayload;
using tests::UnsignedNitroDocument;

std::string ErrorOf(const Bytes& document) {
  const auto parsed = ParseNitroDocument(document);
  return parsed.ok() ? "" : parsed.error().message;
}
std::string ErrorOf(const NitroPayload& payload) { return ErrorOf(UnsignedNitroDocument(payload.Build())); }

TEST(NitroDocument, ReadsEveryField) {
  NitroPayload payload;
  payload.user_data = Bytes{1, 2};
  payload.nonce = Bytes{3};
  payload.cabundle = {Bytes{0x30, 0}, Bytes{0x30, 1, 0}};
  const auto document = ParseNitroDocument(UnsignedNitroDocument(payload.Build()));
  ASSERT_TRUE(document.ok()) << document.error().message;
  EXPECT_EQ(document->module_id, payload.module_id);
  EXPECT_EQ(document->timestamp_ms, payload.timestamp_ms);
  EXPECT_EQ(document->pcrs.size(), 16u);
  EXPECT_EQ(document->pcrs.at(2).bytes[47], 3);
  EXPECT_EQ(document->cabundle.size(), 2u);
  EXPECT_EQ(document->user_data, (Bytes{1, 2}));
  EXPECT_EQ(document->nonce, Bytes{3});
  EXPECT_FALSE(document->public_key.has_value());
  EXPECT_EQ(document->payload, payload.Build());
}

TEST(NitroDocument, IndefiniteMapsAndTheTagAreRead) {
  NitroPayload payload;
  payload.indefinite = true;
  Bytes bytes = UnsignedNitroDocument(payload.Build());
  EXPECT_EQ(ErrorOf(bytes), "");
  bytes.insert(bytes.begin(), 0xD2);
  EXPECT_EQ(ErrorOf(bytes), "");
  bytes[0] = 0xD1;
  EXPECT_EQ(ErrorOf(bytes), "Nitro document: tag: 17 seen, 18 (COSE_Sign1) or none wanted");
}

TEST(NitroDocument, EveryRequiredFieldIsRequired) {
  for (const char* name : {"module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle"}) {
    NitroPayload payload;
    payload.left_out = name;
    EXPECT_EQ(ErrorOf(payload), std::string("Nitro document: payload: ") + name + " is missing");
  }
  for (const char* name : {"public_key", "user_data", "nonce"}) {
    NitroPayload payload;
    payload.left_out = name;
    EXPECT_EQ(ErrorOf(payload), "") << name;
  }
}

TEST(NitroDocument, RefusesPcrsThatAreWrong) {
  NitroPayload payload;
  payload.pcrs = {};
  EXPECT_NE(ErrorOf(payload), "");
  payload.pcrs = {{32, Bytes(48)}};
  EXPECT_EQ(ErrorOf(payload), "Nitro document: payload: pcrs: an index of 0 to 31 is wanted");
  for (const std::size_t size : {0u, 32u, 47u, 49u, 64u}) {
    payload.pcrs = {{0, Bytes(size)}};
    EXPECT_NE(ErrorOf(payload), "") << size;
  }
  payload.pcrs = {{0, Bytes(48)}, {0, Bytes(48, 1)}};
  EXPECT_NE(ErrorOf(payload), "");
}

TEST(NitroDocument, RefusesFieldsOutOfBounds) {
  NitroPayload payload;
  payload.digest = "SHA256";
  EXPECT_NE(ErrorOf(payload), "");
  payload = {};
  payload.module_id = "";
  EXPECT_NE(ErrorOf(payload), "");
  payload = {};
  payload.timestamp_ms = 0;
  EXPECT_NE(ErrorOf(payload), "");
  payload = {};
  payload.certificate = {};
  EXPECT_NE(ErrorOf(payload), "");
  payload.certificate = Bytes(1025);
  EXPECT_NE(ErrorOf(payload), "");
  payload = {};
  payload.cabundle = {};
  EXPECT_NE(ErrorOf(payload), "");
  payload.cabundle = std::vector<Bytes>(17, Bytes{0x30, 0});
  EXPECT_NE(ErrorOf(payload), "");
  payload = {};
  payload.user_data = Bytes(4097);
  EXPECT_NE(ErrorOf(payload), "");
  EXPECT_NE(ErrorOf(Bytes(40000)), "");
}

TEST(NitroDocument, RefusesAKeyThatStandsTwice) {
  CborWriter writer;
  writer.Map(2).Text("digest").Text("SHA384").Text("digest").Text("SHA384");
  EXPECT_NE(ErrorOf(UnsignedNitroDocument(std::move(writer).Take())), "");
}

TEST(NitroDocument, RefusesOtherEnvelopes) {
  const Bytes payload = NitroPayload().Build();
  const Bytes header = {0xA1, 0x01, 0x38, 0x22};
  const auto with = [&](auto&& write) {
    CborWriter writer;
    write(writer);
    return std::move(writer).Take();
  };
  // An unprotected header is outside of the signature.
  EXPECT_EQ(ErrorOf(with([&](CborWriter& w) {
              w.Array(4).Bytes(header).Map(1).Unsigned(4).Bytes(header).Bytes(payload).Bytes(Bytes(96));
            })),
            "Nitro document: unprotected header: an empty map is wanted");
  // ES256.
  EXPECT_NE(ErrorOf(with([&](CborWriter& w) {
              w.Array(4).Bytes(Bytes{0xA1, 0x01, 0x26}).Map(0).Bytes(payload).Bytes(Bytes(96));
            })),
            "");
  EXPECT_NE(
      ErrorOf(with([&](CborWriter& w) { w.Array(4).Bytes(header).Map(0).Bytes(payload).Bytes(Bytes(95)); })),
      "");
  EXPECT_NE(ErrorOf(with([&](CborWriter& w) { w.Array(4).Bytes(header).Map(0).Null().Bytes(Bytes(96)); })),
            "");
  EXPECT_NE(ErrorOf(with([&](CborWriter& w) { w.Array(3).Bytes(header).Map(0).Bytes(payload); })), "");
  EXPECT_NE(ErrorOf(with([&](CborWriter& w) { w.Map(0); })), "");
  Bytes tail = UnsignedNitroDocument(payload);
  tail.push_back(0);
  EXPECT_NE(ErrorOf(tail), "");
}

TEST(NitroDocument, EveryTruncationIsRefused) {
  const Bytes bytes = UnsignedNitroDocument(NitroPayload().Build());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ParseNitroDocument(base::ByteView(bytes).first(size)).ok()) << size;
  }
}

TEST(NitroDocument, RealDocumentsReadAsTheTableSays) {
  const auto rows = tests::ReadVectorTable("verdicts_nitro.tsv");
  if (rows.empty()) GTEST_SKIP() << tests::kNoVectors;
  for (const auto& row : rows) {
    if (row["code"] == "malformed" || row["encoding"].starts_with("hex")) continue;
    SCOPED_TRACE(row["document"]);
    Bytes bytes = tests::ReadVector(row["document"]);
    if (row["encoding"] == "base64") {
      while (!bytes.empty() && bytes.back() == '\n') bytes.pop_back();
      bytes = *encoding::Base64Decode(base::AsText(bytes));
    }
    const auto document = ParseNitroDocument(bytes);
    ASSERT_TRUE(document.ok()) << document.error().message;
    std::string nonzero;
    for (const auto& [index, pcr] : document->pcrs) {
      if (pcr.is_zero()) continue;
      nonzero += (nonzero.empty() ? "" : " ") + std::to_string(index) + "=" + tests::ToHex(pcr.view());
    }
    EXPECT_EQ(nonzero, row["nonzero_pcrs"]);
    EXPECT_EQ(std::to_string(document->public_key ? document->public_key->size() : 0), row["public_key_len"]);
  }
}

}  // namespace
}  // namespace blindai::evidence
