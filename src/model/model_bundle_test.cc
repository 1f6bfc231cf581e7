#include "model/model_bundle.h"

#include <gtest/gtest.h>

#include "model/inspect_onnx.h"

namespace blindai::model {
namespace {

void Append(base::Bytes& file, base::ByteView bytes) { file.insert(file.end(), bytes.begin(), bytes.end()); }

base::Bytes Bundle(const std::vector<std::pair<std::string, std::string>>& parts) {
  base::Bytes file = BundleLayout::Begin();
  BundleLayout layout;
  for (const auto& [name, content] : parts) {
    Append(file, layout.BeginPart(name, file.size()));
    Append(file, base::AsBytes(content));
  }
  Append(file, layout.End(file.size()));
  return file;
}

std::string TextOf(const base::Bytes& file, const BundlePart& part) {
  return std::string(base::AsText(base::ByteView(file).subspan(part.offset, part.size)));
}

TEST(ModelBundle, GivesBackItsPartsInOrder) {
  const base::Bytes file = Bundle({{"encoder", "first"}, {"decoder", ""}, {"third", std::string(100, 'x')}});
  ASSERT_TRUE(IsBundle(file));
  const auto parts = ReadBundle(file);
  ASSERT_TRUE(parts.ok());
  ASSERT_EQ(parts->size(), 3U);
  EXPECT_EQ((*parts)[0].name, "encoder");
  EXPECT_EQ(TextOf(file, (*parts)[0]), "first");
  EXPECT_EQ(TextOf(file, (*parts)[1]), "");
  EXPECT_EQ(TextOf(file, (*parts)[2]), std::string(100, 'x'));
  for (const BundlePart& part : *parts) EXPECT_EQ(part.offset % 64, 0U);
}

TEST(ModelBundle, KnowsWhichPartsItHas) {
  BundleLayout layout;
  (void)layout.BeginPart("encoder", 16);
  EXPECT_TRUE(layout.Has("encoder"));
  EXPECT_FALSE(layout.Has("decoder"));
}

TEST(ModelBundle, IsNeverAnOnnxFileForTheGate) {
  EXPECT_FALSE(InspectOnnx(Bundle({{"encoder", "x"}})).ok());
  EXPECT_FALSE(InspectOnnx(BundleLayout::Begin()).ok());
}

TEST(ModelBundle, OtherFilesAreNone) {
  EXPECT_FALSE(IsBundle({}));
  EXPECT_FALSE(IsBundle(base::AsBytes("\x08\x08 an ONNX file begins otherwise")));
  EXPECT_FALSE(ReadBundle({}).ok());
  EXPECT_FALSE(ReadBundle(BundleLayout::Begin()).ok());
}

TEST(ModelBundle, EveryShorterFileIsRefused) {
  const base::Bytes file = Bundle({{"encoder", "first"}, {"decoder", "second"}});
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(ReadBundle(base::ByteView(file).first(size)).ok()) << size;
  }
}

TEST(ModelBundle, NoBentByteGivesAPartOutsideOfTheFile) {
  const base::Bytes file = Bundle({{"encoder", "first"}, {"decoder", "second"}});
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (const std::uint8_t value : {0x00, 0x7f, 0xff}) {
      base::Bytes bent = file;
      bent[at] = value;
      const auto parts = ReadBundle(bent);
      if (!parts.ok()) continue;
      for (const BundlePart& part : *parts) EXPECT_LE(part.offset + part.size, bent.size());
    }
  }
}

}  // namespace
}  // namespace blindai::model
