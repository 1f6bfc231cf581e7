#include "protocols/wire/blindai_v05/payload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "securedexchange.pb.h"

namespace blindai::wire {
namespace {

using ::testing::ElementsAre;
using vocabulary::Datatype;

RunPayload RunOf(const std::vector<vocabulary::TensorView>& outputs) {
  return {.input_hash = base::Bytes(32, 1),
          .model_hash = base::Bytes(32, 2),
          .model_id = "user/m",
          .inputs = {{"x", Datatype::kFp32, {1, 16000}, {}}},
          .outputs = outputs,
          .inference_ms = 12,
          .request_ms = 34,
          .simulation = true,
          .issued_at = base::Time(std::chrono::seconds(1'700'000'000))};
}

// Fault 27 of the original: one signature binds model, input with dims and types, output and time.
TEST(Payload, ARunNamesModelInputOutputAndTime) {
  const base::Bytes elements = {1, 0, 0, 0, 0, 0, 0, 0};
  securedexchange::Payload message;
  ASSERT_TRUE(message.ParseFromString(*EncodeRunPayload(RunOf({{"y", Datatype::kInt64, {1, 1}, elements}}))));
  EXPECT_EQ(message.header().issued_at().seconds(), 1'700'000'000);
  const securedexchange::RunModelPayload& run = message.run_model_payload();
  EXPECT_EQ(run.input_hash(), std::string(32, 1));
  EXPECT_EQ(run.model_hash(), std::string(32, 2));
  EXPECT_EQ(run.model_id(), "user/m");
  ASSERT_EQ(run.input_infos_size(), 1);
  EXPECT_THAT(run.input_infos(0).dims(), ElementsAre(1, 16000));
  EXPECT_EQ(run.input_infos(0).datum_type(), securedexchange::F32);
  EXPECT_EQ(run.input_infos(0).index_name(), "x");
  ASSERT_EQ(run.output_tensors_size(), 1);
  EXPECT_THAT(run.output_tensors(0).info().dims(), ElementsAre(1, 1));
  EXPECT_EQ(run.output_tensors(0).info().datum_type(), securedexchange::I64);
  EXPECT_EQ(base::AsBytes(run.output_tensors(0).bytes_data()).size(), elements.size());
  EXPECT_EQ(run.inference_time(), 12u);
  EXPECT_EQ(run.request_time(), 34u);
}

// Fault 28 of the original: the mark is in what is signed and kept, not in how it was received.
TEST(Payload, TheMarkOfSimulationIsPartOfThePayload) {
  RunPayload payload = RunOf({});
  securedexchange::Payload message;
  message.ParseFromString(*EncodeRunPayload(payload));
  EXPECT_TRUE(message.run_model_payload().simulation());
  payload.simulation = false;
  message.ParseFromString(*EncodeRunPayload(payload));
  EXPECT_FALSE(message.run_model_payload().simulation());
  UploadPayload upload;
  upload.simulation = true;
  message.ParseFromString(EncodeUploadPayload(upload));
  EXPECT_TRUE(message.send_model_payload().simulation());
}

TEST(Payload, AnUploadNamesHashInputsAndOutputs) {
  securedexchange::Payload message;
  message.ParseFromString(EncodeUploadPayload({.model_hash = base::Bytes(32, 3),
                                               .inputs = {{"x", Datatype::kFp32, {-1, 5}}},
                                               .outputs = {{"y", Datatype::kFp16, {1}}},
                                               .model_id = "m",
                                               .issued_at = {}}));
  const securedexchange::SendModelPayload& upload = message.send_model_payload();
  EXPECT_EQ(upload.model_hash(), std::string(32, 3));
  EXPECT_THAT(upload.tensor_inputs(0).dims(), ElementsAre(-1, 5));
  EXPECT_EQ(upload.tensor_outputs(0).datum_type(), securedexchange::UNKNOWN);
  EXPECT_EQ(upload.model_id(), "m");
}

TEST(Payload, WhatAClientCouldNotReceiveIsAClearError) {
  const base::Bytes large(8 << 20);
  const std::int64_t size = static_cast<std::int64_t>(large.size());
  EXPECT_EQ(EncodeRunPayload(RunOf({{"y", Datatype::kUint8, {size}, large}})).error().code,
            "reply-too-large");
  // The elements alone would fit.
  const base::ByteView nearly(large.data(), kMaxReplyPayloadBytes);
  EXPECT_EQ(EncodeRunPayload(RunOf({{"y", Datatype::kUint8, {size - 1024}, nearly}})).error().code,
            "reply-too-large");
  const base::ByteView fits(large.data(), kMaxReplyPayloadBytes - 1024);
  EXPECT_TRUE(EncodeRunPayload(RunOf({{"y", Datatype::kUint8, {size - 2048}, fits}})).ok());
}

TEST(Payload, ATypeThatTheProtocolHasNoWordForIsAClearError) {
  for (const Datatype datatype : {Datatype::kFp16, Datatype::kBf16, Datatype::kBytes})
    EXPECT_EQ(EncodeRunPayload(RunOf({{"y", datatype, {0}, {}}})).error().code, "output-dtype");
}

}  // namespace
}  // namespace blindai::wire
