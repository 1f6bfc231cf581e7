#include "model/worker_protocol.h"

#include <gtest/gtest.h>

namespace blindai::model {
namespace {

LoadedMessage SomeLoaded() {
  LoadedMessage loaded;
  loaded.signature.inputs = {{"x", vocabulary::Datatype::kFp32, {-1, 4}},
                             {"n", vocabulary::Datatype::kInt64, {}}};
  loaded.signature.outputs = {{"y", vocabulary::Datatype::kBool, {-1}}};
  return loaded;
}

std::vector<ToWorker> AllToWorker() {
  return {StartMessage{Precision::kBf16, 7, 1ULL << 40, true}, LoadMessage{123'456'789'012, false},
          RegionMessage{RegionUse::kOutputs, 4096},
          RunMessage{9, {{1, {2, 3}, 64, 24}, {0, {}, 128, 4}}, {1, 0}}, CancelMessage{9}};
}

std::vector<FromWorker> AllFromWorker() {
  Cage cage;
  cage.empty_root = cage.no_capabilities = cage.not_dumpable = true;
  cage.landlock_abi = 7;
  cage.allowed_system_calls = 26;
  return {CagedMessage{cage}, SomeLoaded(), RanMessage{9, 1234, {{0, {5, 0}, 0, 0}}},
          FailedMessage{9, Failure::kRun}};
}

TEST(WorkerProtocol, EveryMessageIsReadBack) {
  for (const ToWorker& message : AllToWorker()) {
    const auto decoded = DecodeToWorker(Encode(message));
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(decoded->index(), message.index());
    EXPECT_EQ(Encode(*decoded), Encode(message));
  }
  for (const FromWorker& message : AllFromWorker()) {
    const auto decoded = DecodeFromWorker(Encode(message));
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(decoded->index(), message.index());
    EXPECT_EQ(Encode(*decoded), Encode(message));
  }
}

TEST(WorkerProtocol, ASignatureKeepsItsShapesAndNames) {
  const auto decoded = DecodeFromWorker(Encode(FromWorker(SomeLoaded())));
  const auto& loaded = std::get<LoadedMessage>(*decoded);
  EXPECT_EQ(loaded.signature.inputs[0].name, "x");
  EXPECT_EQ(loaded.signature.inputs[0].shape, (vocabulary::Shape{-1, 4}));
  EXPECT_EQ(loaded.signature.inputs[1].datatype, vocabulary::Datatype::kInt64);
}

TEST(WorkerProtocol, EveryShorterAndLongerPacketIsRefused) {
  for (const FromWorker& message : AllFromWorker()) {
    const base::Bytes packet = Encode(message);
    for (std::size_t size = 0; size < packet.size(); ++size) {
      EXPECT_EQ(DecodeFromWorker(base::ByteView(packet).first(size)).error().code, "worker-protocol") << size;
    }
    base::Bytes longer = packet;
    longer.push_back(0);
    EXPECT_EQ(DecodeFromWorker(longer).error().code, "worker-protocol");
  }
  for (const ToWorker& message : AllToWorker()) {
    const base::Bytes packet = Encode(message);
    for (std::size_t size = 0; size < packet.size(); ++size) {
      EXPECT_FALSE(DecodeToWorker(base::ByteView(packet).first(size)).ok()) << size;
    }
  }
}

TEST(WorkerProtocol, RowsAreFromOneToTheMostThatAreComputedAsOne) {
  for (const int rows : {0, 1, 2, int{kMostRows}, kMostRows + 1, 0xffff}) {
    LoadedMessage loaded = SomeLoaded();
    loaded.max_rows = static_cast<std::uint16_t>(rows);
    EXPECT_EQ(DecodeFromWorker(Encode(FromWorker(loaded))).ok(), rows >= 1 && rows <= kMostRows) << rows;
  }
}

TEST(WorkerProtocol, AMessageForTheOtherSideIsRefused) {
  EXPECT_FALSE(DecodeFromWorker(Encode(ToWorker(CancelMessage{1}))).ok());
  EXPECT_FALSE(DecodeToWorker(Encode(FromWorker(FailedMessage{}))).ok());
}

TEST(WorkerProtocol, CountsThatThePacketCannotHoldReserveNothing) {
  // Kind Loaded, then 65,535 inputs.
  EXPECT_FALSE(DecodeFromWorker(base::Bytes{66, 0xff, 0xff}).ok());
  // Kind Ran with a run, a time, and 256 tensors of which there is none.
  base::Bytes ran(1 + 8 + 8 + 2);
  ran[0] = 67;
  ran[18] = 1;
  EXPECT_FALSE(DecodeFromWorker(ran).ok());
}

TEST(WorkerProtocol, PacketsOverTheLimitAreRefused) {
  EXPECT_FALSE(DecodeFromWorker(base::Bytes(kMaxMessageBytes + 1, 68)).ok());
}

TEST(WorkerProtocol, NamesThatCannotBePrintedAreRefused) {
  for (const char bad : {'\n', '\x7f', '\xc3', '\0'}) {
    LoadedMessage loaded = SomeLoaded();
    loaded.signature.inputs[0].name = std::string(1, bad);
    EXPECT_FALSE(DecodeFromWorker(Encode(FromWorker(loaded))).ok());
  }
}

TEST(WorkerProtocol, DimensionsBelowAnyAreRefused) {
  EXPECT_FALSE(DecodeFromWorker(Encode(FromWorker(RanMessage{1, 1, {{0, {-2}, 0, 0}}}))).ok());
}

TEST(WorkerProtocol, UnknownWordsAreRefused) {
  base::Bytes failed = Encode(FromWorker(FailedMessage{1, Failure::kRun}));
  failed.back() = kLastFailure + 1;
  EXPECT_FALSE(DecodeFromWorker(failed).ok());
  base::Bytes start = Encode(ToWorker(StartMessage{}));
  start[1] = 2;
  EXPECT_FALSE(DecodeToWorker(start).ok());
}

}  // namespace
}  // namespace blindai::model
