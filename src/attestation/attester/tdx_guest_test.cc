// Against a model of the device and of the service; what a verifier makes of it is in
// verifier/tdx_guest_attester_test.cc.
#include "attestation/attester/tdx_guest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attestation/evidence/dcap_quote.h"
#include "support/fake_tdx_guest.h"

namespace blindai::attester {
namespace {

using ::testing::HasSubstr;

const tests::FakeIntel& Intel() {
  static const tests::FakeIntel intel;
  return intel;
}

class TdxGuestTest : public ::testing::Test {
 protected:
  TdxGuestTest() { model_.intel = &Intel(); }
  base::Result<evidence::EvidenceBundle> Attest(std::chrono::milliseconds wait = std::chrono::seconds(20)) {
    evidence::ReportData data;
    data.bytes.fill(0x3C);
    return tests::MakeTdxGuestAttester(model_)->Attest(data, std::chrono::steady_clock::now() + wait);
  }
  std::string ErrorOf() {
    const auto bundle = Attest();
    return bundle.ok() ? "a quote" : bundle.error().code + ": " + bundle.error().message;
  }
  static void Put(base::Bytes& framed, std::size_t offset, std::initializer_list<std::uint8_t> bytes) {
    std::copy(bytes.begin(), bytes.end(), framed.begin() + static_cast<std::ptrdiff_t>(offset));
  }
  tests::TdxGuestModel model_;
};

TEST_F(TdxGuestTest, TheQuoteAnswersTheReportData) {
  const auto bundle = Attest();
  ASSERT_TRUE(bundle.ok()) << bundle.error().message;
  EXPECT_EQ(bundle->tee, evidence::TeeKind::kTdx);
  const auto quote = evidence::ParseDcapQuote(bundle->evidence);
  ASSERT_TRUE(quote.ok()) << quote.error().message;
  EXPECT_EQ(quote->report_data().bytes[63], 0x3C);
}

TEST_F(TdxGuestTest, TheRequestIsFramedAsTheServiceReadsIt) {
  ASSERT_TRUE(Attest().ok());
  const base::Bytes head(model_.request.begin(), model_.request.begin() + 28);
  EXPECT_EQ(head, (base::Bytes{0,    0, 4, 0x18,              // 1048 bytes follow
                               1,    0, 1, 0,    0, 0, 0, 0,  // version 1.1, get quote
                               0x18, 4, 0, 0,    0, 0, 0, 0,
                               0,    4, 0, 0,    0, 0, 0, 0}));  // a report of 1024 bytes, no key ids
  EXPECT_EQ(model_.request.size(), 28u + 1024);
}

TEST_F(TdxGuestTest, AnInterruptedCallIsMadeAgainUntilTheDeadline) {
  model_.busy = 3;
  EXPECT_TRUE(Attest().ok());
  EXPECT_EQ(model_.device_calls, 4);
  model_.busy = 1'000'000'000;
  EXPECT_EQ(Attest(std::chrono::milliseconds(10)).error().code, "attester-deadline");
}

TEST_F(TdxGuestTest, ADeviceThatFailsOrGivesHalfAReportIsAnError) {
  model_.device_error = ENOTTY;
  EXPECT_THAT(ErrorOf(), HasSubstr("attester-unavailable: the TDX guest device failed (errno 25)"));
  model_.device_error = 0;
  for (const std::size_t bytes : {0, 1, 128, 191}) {
    model_.report_bytes = bytes;
    EXPECT_THAT(ErrorOf(), HasSubstr("gave no TDREPORT over the report data")) << bytes;
  }
  // The rest of it is under hashes that the service checks.
  model_.report_bytes = 600;
  EXPECT_THAT(ErrorOf(), HasSubstr("refused the report (error 0x12003)"));
}

TEST_F(TdxGuestTest, AServiceThatIsNotThereIsAnError) {
  model_.dial_error = ECONNREFUSED;
  EXPECT_THAT(ErrorOf(),
              HasSubstr("attester-unavailable: the host's quote generation service cannot be reached"));
  model_.dial_error = ETIMEDOUT;
  EXPECT_THAT(ErrorOf(), HasSubstr("attester-deadline"));
  model_.dial_error = 0;
  model_.write_error = EPIPE;
  EXPECT_THAT(ErrorOf(), HasSubstr("closed the connection early, at the request"));
}

TEST_F(TdxGuestTest, AServiceThatFallsSilentEndsAtTheDeadline) {
  for (const std::size_t bytes : {0, 3, 4, 27, 500}) {
    model_.answer_bytes = bytes;
    EXPECT_THAT(ErrorOf(), HasSubstr("attester-deadline")) << bytes;
  }
}

TEST_F(TdxGuestTest, AServiceThatClosesEarlyIsSaid) {
  model_.closes_early = true;
  for (const std::size_t bytes : {0, 3, 4, 27, 500}) {
    model_.answer_bytes = bytes;
    EXPECT_THAT(ErrorOf(), HasSubstr("closed the connection early")) << bytes;
  }
}

TEST_F(TdxGuestTest, AnErrorOfTheServiceIsNamedByItsNumber) {
  model_.bend = [](base::Bytes& framed) {
    framed.resize(4 + 24);
    Put(framed, 0, {0, 0, 0, 24});
    Put(framed, 12, {24, 0, 0, 0, 0x01, 0x20, 0x01, 0x00});
    Put(framed, 24, {0, 0, 0, 0});
  };
  EXPECT_THAT(ErrorOf(), HasSubstr("refused the report (error 0x12001)"));
  // Also when the service sends nothing but the head.
  model_.bend = [](base::Bytes& framed) {
    framed.resize(4 + 16);
    Put(framed, 0, {0, 0, 0, 16});
    Put(framed, 12, {16, 0, 0, 0, 0x02, 0x20, 0x01, 0x00});
  };
  EXPECT_THAT(ErrorOf(), HasSubstr("refused the report (error 0x12002)"));
}

TEST_F(TdxGuestTest, AServiceMayNotMakeUsReserveWhatItLikes) {
  model_.bend = [](base::Bytes& framed) { Put(framed, 0, {0xFF, 0xFF, 0xFF, 0xFF}); };
  EXPECT_THAT(ErrorOf(), HasSubstr("announces 4294967295 bytes, at most 65536 are wanted"));
  model_.bend = [](base::Bytes& framed) { Put(framed, 0, {0, 1, 0, 1}); };
  EXPECT_THAT(ErrorOf(), HasSubstr("announces 65537 bytes"));
}

TEST_F(TdxGuestTest, SizesThatDoNotFitAreErrors) {
  const std::size_t kSizeAt = 12;
  const std::size_t kIdSizeAt = 20;
  const std::size_t kQuoteSizeAt = 24;
  for (const std::size_t offset : {kSizeAt, kIdSizeAt, kQuoteSizeAt}) {
    for (const int change : {1, -1, 0x40}) {
      model_.bend = [=](base::Bytes& framed) {
        framed[offset] = static_cast<std::uint8_t>(framed[offset] + change);
      };
      EXPECT_THAT(ErrorOf(), HasSubstr("attester-unavailable")) << offset << " " << change;
    }
  }
  model_.bend = [](base::Bytes& framed) { Put(framed, 0, {0, 0, 0, 0}); };
  EXPECT_THAT(ErrorOf(), HasSubstr("cannot be read"));
}

TEST_F(TdxGuestTest, AnotherVersionOrTypeOfMessageIsAnError) {
  model_.bend = [](base::Bytes& framed) { framed[4] = 2; };
  EXPECT_THAT(ErrorOf(), HasSubstr("speaks version 2.1"));
  model_.bend = [](base::Bytes& framed) { framed[8] = 3; };
  EXPECT_THAT(ErrorOf(), HasSubstr("message of type 3"));
}

TEST_F(TdxGuestTest, AQuoteOverSomethingElseIsAnError) {
  model_.bend = [](base::Bytes& framed) { framed[28 + 48 + 520] ^= 1; };  // the report data inside the quote
  EXPECT_THAT(ErrorOf(), HasSubstr("gave no TD quote over the report data"));
  model_.bend = [](base::Bytes& framed) { framed[28] = 9; };  // the quote's version
  EXPECT_THAT(ErrorOf(), HasSubstr("gave no TD quote over the report data"));
}

}  // namespace
}  // namespace blindai::attester
