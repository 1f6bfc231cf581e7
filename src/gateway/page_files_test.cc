#include "gateway/page_files.h"

#include <gtest/gtest.h>

namespace blindai::gateway {
namespace {

constexpr std::array<std::uint8_t, 3> kBytes = {'a', 'b', 'c'};
const std::array<PageFile, 3> kFiles = {
    {{"/index.html", kBytes}, {"/parts/app.js", base::ByteView(kBytes).first(2)}, {"/unknown.xyz", {}}}};

TEST(PageFiles, AreFoundByTheirPathAndTheRootIsTheIndex) {
  EXPECT_EQ(FindPageFile(kFiles, "/"), &kFiles[0]);
  EXPECT_EQ(FindPageFile(kFiles, "/index.html"), &kFiles[0]);
  EXPECT_EQ(FindPageFile(kFiles, "/parts/app.js"), &kFiles[1]);
  for (const char* path : {"", "/parts", "/parts/", "//index.html", "/../index.html", "index.html"})
    EXPECT_EQ(FindPageFile(kFiles, path), nullptr) << path;
}

TEST(PageFiles, GetNothingFromElsewhereAndStandInNoFrame) {
  const net::HttpResponse answer = PageAnswer(kFiles[0], "127.0.0.1:8800");
  const std::string policy(answer.headers.Find("Content-Security-Policy").value_or(""));
  EXPECT_TRUE(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"));
  EXPECT_NE(policy.find("connect-src 'self' ws://127.0.0.1:8800;"), std::string::npos);
  EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos);
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(policy.find("http:"), std::string::npos);
  EXPECT_EQ(answer.headers.Find("Cache-Control"), "no-store");
  EXPECT_EQ(answer.headers.Find("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(answer.headers.Find("Content-Type"), "text/html; charset=utf-8");
  ASSERT_EQ(answer.parts.size(), 1u);
  EXPECT_EQ(base::AsText(answer.parts[0].bytes), "abc");
}

TEST(PageFiles, AKindThatIsNotKnownIsOnlyBytes) {
  EXPECT_EQ(PageAnswer(kFiles[1], "a").headers.Find("Content-Type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(PageAnswer(kFiles[2], "a").headers.Find("Content-Type"), "application/octet-stream");
}

TEST(PageFiles, ThoseOfTheProgramAreOfKindsThatBrowsersKnow) {
  for (const PageFile& file : PageFiles()) {
    EXPECT_TRUE(file.path.starts_with('/')) << file.path;
    EXPECT_FALSE(file.bytes.empty()) << file.path;
    EXPECT_NE(PageAnswer(file, "a").headers.Find("Content-Type"), "application/octet-stream") << file.path;
  }
}

}  // namespace
}  // namespace blindai::gateway
