#include "protocols/wire/blindai_v05/upload_stream.h"

#include <gtest/gtest.h>

namespace blindai::wire {
namespace {

using securedexchange::SendModelRequest;

SendModelRequest Message(std::string data, std::uint64_t length) {
  SendModelRequest message;
  message.set_data(std::move(data));
  message.set_length(length);
  return message;
}

TEST(UploadStream, TheIdIsTheModelIdElseTheNameElseNone) {
  SendModelRequest first = Message("a", 1);
  EXPECT_EQ(UploadStream::Begin(first)->id(), "");
  first.set_model_name("file.onnx");
  EXPECT_EQ(UploadStream::Begin(first)->id(), "file.onnx");
  first.set_model_id("mine");
  EXPECT_EQ(UploadStream::Begin(first)->id(), "mine");
  first.set_sign(true);
  EXPECT_TRUE(UploadStream::Begin(first)->sign());
}

TEST(UploadStream, PiecesComeThroughInOrder) {
  const SendModelRequest first = Message("abc", 5);
  auto stream = UploadStream::Begin(first);
  ASSERT_TRUE(stream.ok());
  EXPECT_EQ(stream->length(), 5u);
  EXPECT_EQ(base::AsText(*stream->Next(first)), "abc");
  // Only the first message's word counts.
  EXPECT_EQ(base::AsText(*stream->Next(Message("de", 999))), "de");
}

// Fault 2 of the original: what is shorter is refused where the upload ends (service/upload_model).
TEST(UploadStream, MoreThanWasDeclaredIsRefused) {
  const SendModelRequest first = Message("abc", 4);
  auto stream = UploadStream::Begin(first);
  ASSERT_TRUE(stream->Next(first).ok());
  EXPECT_EQ(stream->Next(Message("de", 4)).error().code, "upload-length");
}

TEST(UploadStream, ADeclaredLengthOfZeroIsRefused) {
  EXPECT_EQ(UploadStream::Begin(Message("abc", 0)).error().code, "length-missing");
}

TEST(UploadStream, AFloodOfEmptyMessagesEnds) {
  auto stream = UploadStream::Begin(Message("", 1 << 20));
  const SendModelRequest empty = Message("", 1 << 20);
  std::size_t taken = 0;
  while (taken < 10'000 && stream->Next(empty).ok()) ++taken;
  EXPECT_EQ(taken, 4096u);
}

}  // namespace
}  // namespace blindai::wire
