#include "client/request_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "client/failure.h"

namespace blindai::client {
namespace {

std::string ReadAll(RequestBody& body, std::size_t piece) {
  std::string all;
  base::Bytes into(piece);
  while (true) {
    const std::size_t size = body.Read(into).value();
    if (size == 0) return all;
    all += base::AsText(base::ByteView(into).first(size));
  }
}

// A file that is gone at the end.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view content)
      : path_(std::filesystem::temp_directory_path() / ("request_body_test." + std::to_string(getpid()))) {
    std::ofstream(path_) << content;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

TEST(RequestBody, TextsMemoryAndFilesFollowEachOtherForEveryPieceSize) {
  const TemporaryFile file("of a file, ");
  for (std::size_t piece = 1; piece < 50; ++piece) {
    RequestBody body(nullptr);
    body.AddText("a text, ");
    ASSERT_TRUE(body.AddFile(FileSource::File(file.path()), "model").ok());
    ASSERT_TRUE(body.AddFile(FileSource::Memory(base::AsBytes("memory")), "model").ok());
    EXPECT_EQ(body.total(), 25u);
    EXPECT_EQ(ReadAll(body, piece), "a text, of a file, memory");
  }
}

TEST(RequestBody, ProgressSeesEveryPieceAndMayEndIt) {
  std::vector<std::uint64_t> seen;
  RequestBody body([&](std::uint64_t sent, std::uint64_t total) {
    EXPECT_EQ(total, 10u);
    seen.push_back(sent);
    return sent < 9;
  });
  body.AddText("0123456789");
  base::Bytes into(4);
  EXPECT_TRUE(body.Read(into).ok());
  EXPECT_TRUE(body.Read(into).ok());
  EXPECT_EQ(body.Read(into).error().code, "cancelled");
  EXPECT_THAT(seen, testing::ElementsAre(4, 8, 10));
}

TEST(RequestBody, AFileThatCannotBeSentIsTheCallersError) {
  RequestBody body(nullptr);
  for (const FileSource& source : {FileSource::File("/nonexistent/model.onnx"), FileSource::File("/dev/zero"),
                                   FileSource::File("/tmp"), FileSource::Memory({})}) {
    const base::Status added = body.AddFile(source, "model");
    ASSERT_FALSE(added.ok());
    EXPECT_EQ(FailureOf(added.error()), FailureKind::kArgument);
  }
}

TEST(RequestBody, AFileThatShrinksWhileItIsReadIsAnError) {
  const TemporaryFile file(std::string(100'000, 'x'));
  RequestBody body(nullptr);
  ASSERT_TRUE(body.AddFile(FileSource::File(file.path()), "model").ok());
  std::filesystem::resize_file(file.path(), 10);
  base::Bytes into(100'000);
  EXPECT_EQ(FailureOf(body.Read(into).error()), FailureKind::kArgument);
}

TEST(FormBody, IsAFormWithABoundaryOfItsOwn) {
  FormBody form(nullptr);
  form.AddField("model", "demo");
  ASSERT_TRUE(form.AddFile("file", "a.wav", FileSource::Memory(base::AsBytes("RIFF"))).ok());
  const std::string type = form.ContentType();
  ASSERT_THAT(type, testing::StartsWith("multipart/form-data; boundary=blindai-"));
  const std::string boundary = type.substr(type.find('=') + 1);
  RequestBody body = std::move(form).Finish();
  EXPECT_EQ(ReadAll(body, 1000),
            "--" + boundary + "\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ndemo\r\n--" +
                boundary +
                "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: "
                "application/octet-stream\r\n\r\nRIFF\r\n--" +
                boundary + "--\r\n");
  EXPECT_NE(FormBody(nullptr).ContentType(), type);
}

}  // namespace
}  // namespace blindai::client
