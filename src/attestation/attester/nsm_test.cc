#include "attestation/attester/nsm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>

#include "attestation/evidence/nitro_document.h"
#include "encoding/cbor.h"
#include "support/fake_nitro.h"

namespace blindai::attester {
namespace {

struct NsmModel {
  tests::FakeAws aws;
  int error_number = 0;
  int interrupted = 0;                        // calls that are interrupted first
  std::optional<base::Bytes> answer;          // instead of a document
  std::optional<std::uint64_t> answer_bytes;  // a lie about how much was written
};

// The module: reads the request's CBOR and signs a true document under test keys.
class NsmDevice final : public DeviceControl {
 public:
  explicit NsmDevice(NsmModel& model) : model_(model) {}

  int Call(unsigned long request_number, void* argument) override {
    if (request_number != nsm::kSendMessage) return ENOTTY;
    if (model_.interrupted > 0) {
      --model_.interrupted;
      return EINTR;
    }
    if (model_.error_number != 0) return model_.error_number;
    auto& message = *static_cast<nsm::Message*>(argument);
    const auto request = encoding::ParseCbor(
        {reinterpret_cast<const std::uint8_t*>(message.request.address), message.request.bytes});
    const encoding::CborValue* attestation = request.ok() ? request->Find("Attestation") : nullptr;
    base::Bytes answer = model_.answer.value_or(base::Bytes());
    if (!model_.answer && attestation != nullptr) {
      tests::NitroPayload payload = model_.aws.Payload();
      payload.user_data = *encoding::CborBytesField(*attestation, "user_data");
      encoding::CborWriter writer;
      writer.Map(1).Text("Attestation").Map(1).Text("document").Bytes(model_.aws.Sign(payload));
      answer = std::move(writer).Take();
    }
    std::copy(answer.begin(), answer.end(), reinterpret_cast<std::uint8_t*>(message.response.address));
    message.response.bytes = model_.answer_bytes.value_or(answer.size());
    return 0;
  }

 private:
  NsmModel& model_;
};

class NsmTest : public ::testing::Test {
 protected:
  base::Result<evidence::EvidenceBundle> Attest(std::chrono::milliseconds wait = std::chrono::seconds(20)) {
    NsmAttester attester(std::make_unique<NsmDevice>(model_));
    evidence::ReportData data;
    data.bytes.fill(9);
    return attester.Attest(data, std::chrono::steady_clock::now() + wait);
  }
  NsmModel model_;
};

TEST_F(NsmTest, TheDocumentCarriesTheReportDataAsUserData) {
  const auto bundle = Attest();
  ASSERT_TRUE(bundle.ok()) << bundle.error().message;
  EXPECT_EQ(bundle->tee, evidence::TeeKind::kNitro);
  const auto document = evidence::ParseNitroDocument(bundle->evidence);
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(document->user_data, base::Bytes(64, 9));
}

TEST_F(NsmTest, RefusalsAndNonsenseAreErrors) {
  encoding::CborWriter refusal;
  refusal.Map(1).Text("Error").Text("InvalidArgument");
  encoding::CborWriter empty;
  empty.Map(1).Text("Attestation").Map(0);
  for (const base::Bytes& answer : {std::move(refusal).Take(), std::move(empty).Take(), base::Bytes{},
                                    base::Bytes{0xff}, base::Bytes(100, 0x9f)}) {
    model_.answer = answer;
    EXPECT_EQ(Attest().error().code, "attester-unavailable");
  }
}

TEST_F(NsmTest, TheDeviceMayNotSayThatItWroteMoreThanThereIsRoomFor) {
  model_.answer_bytes = nsm::kMaxResponseBytes + 1;
  EXPECT_EQ(Attest().error().code, "attester-unavailable");
}

TEST_F(NsmTest, AnInterruptedCallIsMadeAgainUntilTheDeadline) {
  model_.interrupted = 3;
  EXPECT_TRUE(Attest().ok());
  model_.interrupted = 1'000'000'000;
  EXPECT_EQ(Attest(std::chrono::milliseconds(10)).error().code, "attester-deadline");
}

TEST_F(NsmTest, AFailingDeviceIsAnError) {
  model_.error_number = EIO;
  EXPECT_EQ(Attest().error().code, "attester-unavailable");
}

}  // namespace
}  // namespace blindai::attester
