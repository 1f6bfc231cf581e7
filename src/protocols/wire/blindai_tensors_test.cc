#include "protocols/wire/blindai_tensors.h"

#include <gtest/gtest.h>

namespace blindai::wire {
namespace {

using vocabulary::Datatype;
using vocabulary::TensorSpec;
using vocabulary::TensorView;

const std::vector<TensorSpec> kTwoInputs = {{"left", Datatype::kFp32, {1}}, {"right", Datatype::kFp32, {1}}};

std::vector<TensorView> Inputs(std::initializer_list<const char*> names) {
  std::vector<TensorView> inputs;
  for (const char* name : names)
    inputs.emplace_back(name, Datatype::kFp32, vocabulary::Shape{1}, base::ByteView());
  return inputs;
}

TEST(BlindaiTensors, TheNumbersAreThoseOfThePublishedClients) {
  EXPECT_EQ(*DatatypeFromBlindai(0), Datatype::kFp32);
  EXPECT_EQ(*DatatypeFromBlindai(3), Datatype::kInt64);
  EXPECT_EQ(*DatatypeFromBlindai(7), Datatype::kUint16);
  EXPECT_EQ(*DatatypeFromBlindai(10), Datatype::kBool);
  EXPECT_EQ(DatatypeFromBlindai(11).error().code, "tensor-dtype");
  EXPECT_EQ(DatatypeFromBlindai(~std::uint64_t{0}).error().code, "tensor-dtype");
}

TEST(BlindaiTensors, EveryNumberComesBack) {
  for (std::uint32_t number = 0; number < 11; ++number) {
    const auto back = BlindaiFromDatatype(*DatatypeFromBlindai(number));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->number, number);
  }
  EXPECT_EQ(BlindaiFromDatatype(Datatype::kInt64)->name, "I64");
  EXPECT_EQ(BlindaiFromDatatype(Datatype::kBool)->name, "Bool");
}

TEST(BlindaiTensors, TypesThatTheProtocolsDoNotKnowHaveNoNumber) {
  for (const Datatype datatype : {Datatype::kFp16, Datatype::kBf16, Datatype::kBytes})
    EXPECT_FALSE(BlindaiFromDatatype(datatype));
}

TEST(BlindaiTensors, InputsWithoutNamesAreTakenByPosition) {
  auto inputs = Inputs({"", ""});
  ASSERT_TRUE(NameInputs(kTwoInputs, inputs).ok());
  EXPECT_EQ(inputs[0].name, "left");
  EXPECT_EQ(inputs[1].name, "right");
}

TEST(BlindaiTensors, InputsWithNamesKeepTheirOrder) {
  auto inputs = Inputs({"right", "left"});
  ASSERT_TRUE(NameInputs(kTwoInputs, inputs).ok());
  EXPECT_EQ(inputs[0].name, "right");
}

TEST(BlindaiTensors, TooFewTooManyOrHalfNamedInputsAreRefused) {
  auto one = Inputs({""});
  EXPECT_EQ(NameInputs(kTwoInputs, one).error().code, "tensor-count");
  auto three = Inputs({"", "", ""});
  EXPECT_EQ(NameInputs(kTwoInputs, three).error().code, "tensor-count");
  auto half = Inputs({"left", ""});
  EXPECT_EQ(NameInputs(kTwoInputs, half).error().code, "tensor-name");
  auto none = Inputs({});
  EXPECT_EQ(NameInputs(kTwoInputs, none).error().code, "tensor-count");
}

}  // namespace
}  // namespace blindai::wire
