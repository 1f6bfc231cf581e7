#include "speech/decoder_loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <utility>

#include "model/packet_socket.h"
#include "model/shared_region.h"
#include "speech/decoder_protocol.h"

namespace blindai::speech {
namespace {

// A decoder in a thread of this process, at the other end of a socket.
class DecoderLoopTest : public testing::Test {
 protected:
  DecoderLoopTest() {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends_), 0);
    status_ = std::async(std::launch::async, [this] {
      const int status = ServeRecording(ends_[1]);
      close(ends_[1]);
      return status;
    });
  }
  ~DecoderLoopTest() override { HangUp(); }

  void HangUp() {
    if (ends_[0] >= 0) close(std::exchange(ends_[0], -1));
  }
  void Say(const ToDecoder& message, int descriptor = -1) {
    EXPECT_TRUE(model::SendPacket(ends_[0], Encode(message), descriptor, 0));
  }
  FromDecoder Hear() {
    const auto packet = model::ReceivePacket(ends_[0], 0).value();
    return DecodeFromDecoder(packet.bytes).value();
  }
  int Status() { return status_.get(); }

  int ends_[2];
  std::future<int> status_;
};

TEST_F(DecoderLoopTest, EndsWhenTheServerHangsUp) {
  HangUp();
  EXPECT_EQ(Status(), 0);
}

TEST_F(DecoderLoopTest, EndsAtAMessageThatIsNone) {
  EXPECT_TRUE(model::SendPacket(ends_[0], base::AsBytes("garbage"), -1, 0));
  EXPECT_EQ(Status(), 1);
}

TEST_F(DecoderLoopTest, SaysThatAPieceCannotComeBeforeAFile) {
  Say(NextMessage{});
  EXPECT_EQ(std::get<RefusedMessage>(Hear()).refusal, DecodeRefusal::kInternal);
  EXPECT_EQ(Status(), 0);
}

TEST_F(DecoderLoopTest, RefusesMessagesWithoutTheirDescriptor) {
  Say(FileMessage{100, {}});
  EXPECT_EQ(std::get<RefusedMessage>(Hear()).refusal, DecodeRefusal::kMemory);
}

TEST_F(DecoderLoopTest, RefusesAFileThatIsNoRecordingAndEnds) {
  const auto region = model::SharedRegion::Create(kRegionBytes, /*worker_writes=*/true).value();
  const auto file = model::SharedRegion::Create(4096, /*worker_writes=*/false).value();
  Say(RegionMessage{}, region.fd());
  Say(FileMessage{4096, {}}, file.fd());
  EXPECT_EQ(std::get<RefusedMessage>(Hear()).refusal, DecodeRefusal::kNotAudio);
  EXPECT_EQ(Status(), 0);
}

}  // namespace
}  // namespace blindai::speech
