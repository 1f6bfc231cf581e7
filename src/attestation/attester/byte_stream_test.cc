// Against the kernel's sockets; the host's service is the other end of a pair.
#include "attestation/attester/byte_stream.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>

#include "base/check.h"

namespace blindai::attester {
namespace {

using base::Bytes;
using std::chrono::steady_clock;

struct Pair {
  Pair() {
    std::array<int, 2> ends{};
    BLINDAI_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
    ours = std::make_unique<SocketStream>(ends[0]);
    theirs = std::make_unique<SocketStream>(ends[1]);
  }
  std::unique_ptr<SocketStream> ours;
  std::unique_ptr<SocketStream> theirs;
};

steady_clock::time_point Soon() { return steady_clock::now() + std::chrono::seconds(30); }
steady_clock::time_point AtOnce() { return steady_clock::now() + std::chrono::milliseconds(1); }

TEST(ByteStream, BytesArriveHoweverManyThereAre) {
  Pair pair;
  Bytes sent(std::size_t{4} << 20);
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<std::uint8_t>(i * 7);
  std::thread writer([&] { EXPECT_EQ(pair.theirs->Write(sent, Soon()), 0); });
  Bytes got(sent.size());
  EXPECT_EQ(pair.ours->Read(got, Soon()), 0);
  writer.join();
  EXPECT_EQ(got, sent);
}

TEST(ByteStream, ASilentServiceEndsAtTheDeadline) {
  Pair pair;
  std::array<std::uint8_t, 4> four{};
  ASSERT_EQ(pair.theirs->Write(Bytes(3), Soon()), 0);
  EXPECT_EQ(pair.ours->Read(four, AtOnce()), ETIMEDOUT);
}

TEST(ByteStream, AServiceThatTakesNothingEndsAtTheDeadline) {
  Pair pair;
  EXPECT_EQ(pair.ours->Write(Bytes(std::size_t{16} << 20), AtOnce()), ETIMEDOUT);
}

TEST(ByteStream, AServiceThatClosesEarlyIsSaidAndIsNoSignal) {
  Pair pair;
  ASSERT_EQ(pair.theirs->Write(Bytes(3), Soon()), 0);
  pair.theirs.reset();
  std::array<std::uint8_t, 4> four{};
  EXPECT_EQ(pair.ours->Read(four, Soon()), ECONNRESET);
  EXPECT_EQ(pair.ours->Write(Bytes(4), Soon()), EPIPE);
}

// Port 1 of a context id that no machine has: refused, unreachable or not supported, as this kernel says it.
TEST(ByteStream, AVsockWithNobodyBehindItIsAnError) {
  std::unique_ptr<ByteStream> stream;
  EXPECT_NE(DialVsock(0x7FFFFFF0, 1)(AtOnce(), stream), 0);
  EXPECT_EQ(stream, nullptr);
}

}  // namespace
}  // namespace blindai::attester
