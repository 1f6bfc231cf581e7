#include "attestation/evidence/tpm_event_log.h"

#include <gtest/gtest.h>

#include "base/byte_writer.h"
#include "support/paths.h"
#include "support/vectors.h"

namespace blindai::evidence {
namespace {

using base::Bytes;
using base::ByteWriter;

// A log with SHA-256 alone: header and events, little-endian.
class LogBuilder {
 public:
  LogBuilder() { Header({{0x000B, 32}}); }
  struct Hash {
    std::uint16_t id;
    std::uint16_t size;
  };

  LogBuilder& Header(const std::vector<Hash>& hashes) {
    ByteWriter event;
    event.Append(std::string_view("Spec ID Event03\0", 16)).U32(0).U32(0x00020002);
    event.U32(static_cast<std::uint32_t>(hashes.size()));
    for (const Hash& hash : hashes) event.U16(hash.id).U16(hash.size);
    event.U8(0);
    writer_ = ByteWriter();
    writer_.U32(0)
        .U32(kEvNoAction)
        .Zeros(20)
        .U32(static_cast<std::uint32_t>(event.size()))
        .Append(event.view());
    return *this;
  }
  LogBuilder& Event(std::uint32_t index, std::uint32_t type, std::uint8_t fill, std::string_view data) {
    writer_.U32(index).U32(type).U32(1).U16(0x000B).Append(Bytes(32, fill));
    writer_.U32(static_cast<std::uint32_t>(data.size())).Append(data);
    return *this;
  }
  LogBuilder& Raw(const Bytes& bytes) {
    writer_.Append(bytes);
    return *this;
  }
  Bytes Build() const { return base::CopyBytes(writer_.view()); }

 private:
  ByteWriter writer_;
};

std::string ErrorOf(const Bytes& bytes) {
  const auto log = ParseTpmEventLog(bytes);
  return log.ok() ? "" : log.error().message;
}

TEST(TpmEventLog, ReadsEvents) {
  const auto log =
      ParseTpmEventLog(LogBuilder().Event(4, kEvEfiAction, 0xAB, "hello").Event(7, 1, 2, "").Build());
  ASSERT_TRUE(log.ok()) << log.error().message;
  ASSERT_EQ(log->events.size(), 2u);
  EXPECT_EQ(log->events[0].index, 4u);
  EXPECT_EQ(log->events[0].type, kEvEfiAction);
  EXPECT_EQ(*log->events[0].digest(TpmAlgorithm::kSha256), Bytes(32, 0xAB));
  EXPECT_EQ(log->events[0].digest(TpmAlgorithm::kSha1), nullptr);
  EXPECT_EQ(base::AsText(log->events[0].data), "hello");
  EXPECT_TRUE(log->has(TpmAlgorithm::kSha256));
}

TEST(TpmEventLog, EndsAtTheFillOfABuffer) {
  for (const std::uint8_t fill : {std::uint8_t{0x00}, std::uint8_t{0xFF}}) {
    const Bytes used = LogBuilder().Event(4, 1, 1, "x").Build();
    Bytes bytes = used;
    bytes.resize(bytes.size() + 1000, fill);
    const auto log = ParseTpmEventLog(bytes);
    ASSERT_TRUE(log.ok()) << log.error().message;
    EXPECT_EQ(log->events.size(), 1u);
    EXPECT_EQ(log->bytes_used, used.size());
  }
}

TEST(TpmEventLog, StartupLocalityIsNoted) {
  const std::string_view three("StartupLocality\0\x03", 17);
  const auto log = ParseTpmEventLog(LogBuilder().Event(0, kEvNoAction, 0, three).Build());
  ASSERT_TRUE(log.ok()) << log.error().message;
  EXPECT_EQ(log->startup_locality, 3);
  EXPECT_NE(
      ErrorOf(LogBuilder().Event(0, kEvNoAction, 0, std::string_view("StartupLocality\0\x07", 17)).Build()),
      "");
  EXPECT_NE(ErrorOf(LogBuilder().Event(0, kEvNoAction, 0, std::string_view("StartupLocality\0", 16)).Build()),
            "");
}

TEST(TpmEventLog, ErrorNamesEventAndField) {
  EXPECT_EQ(ErrorOf(LogBuilder().Event(1, 1, 1, "x").Event(24, 1, 1, "x").Build()),
            "event log: event 1 at offset 116: register index: 24 seen, below 24 wanted");
}

TEST(TpmEventLog, RefusesBadHeaders) {
  EXPECT_NE(ErrorOf(LogBuilder().Header({}).Build()), "");
  EXPECT_NE(ErrorOf(LogBuilder().Header({{0x000B, 20}}).Build()), "");
  EXPECT_NE(ErrorOf(LogBuilder().Header({{0x7777, 32}}).Build()), "");
  EXPECT_NE(ErrorOf(LogBuilder().Header({{0x000B, 32}, {0x000B, 32}}).Build()), "");
  EXPECT_NE(ErrorOf(LogBuilder().Header(std::vector<LogBuilder::Hash>(9, {0x000B, 32})).Build()), "");
  EXPECT_NE(ErrorOf({}), "");
}

TEST(TpmEventLog, RefusesDigestsThatTheHeaderDoesNotName) {
  ByteWriter other;
  other.U32(1).U32(1).U32(1).U16(0x000C).Zeros(48).U32(0);
  EXPECT_NE(ErrorOf(LogBuilder().Raw(std::move(other).Take()).Build()), "");
  ByteWriter two;
  two.U32(1).U32(1).U32(2).U16(0x000B).Zeros(32).U16(0x000B).Zeros(32).U32(0);
  EXPECT_NE(ErrorOf(LogBuilder().Raw(std::move(two).Take()).Build()), "");
}

TEST(TpmEventLog, HugeLengthsAreRefusedWithoutMemory) {
  ByteWriter event;
  event.U32(1).U32(1).U32(1).U16(0x000B).Zeros(32).U32(0xFFFFFFFF);
  EXPECT_NE(ErrorOf(LogBuilder().Raw(std::move(event).Take()).Build()), "");
  EXPECT_EQ(ErrorOf(Bytes((1 << 20) + 1)), "event log: 1048577 bytes seen, at most 1048576 wanted");
}

TEST(TpmEventLog, EveryTruncationInsideAnEventIsRefused) {
  const Bytes one = LogBuilder().Event(4, kEvEfiAction, 0xAB, "hello").Build();
  const Bytes two = LogBuilder().Event(4, kEvEfiAction, 0xAB, "hello").Event(5, 4, 1, "world").Build();
  for (std::size_t size = one.size() + 1; size < two.size(); ++size) {
    EXPECT_FALSE(ParseTpmEventLog(base::ByteView(two).first(size)).ok()) << size;
  }
}

TEST(TpmEventLog, RealLogsReadAsTheTableSays) {
  const auto rows = tests::ReadVectorTable("verdicts_eventlog.tsv");
  if (rows.empty()) GTEST_SKIP() << tests::kNoVectors;
  for (const auto& row : rows) {
    if (row["kind"].starts_with("JSON")) continue;
    SCOPED_TRACE(row["log"]);
    const auto log = ParseTpmEventLog(tests::ReadVector(row["log"]));
    ASSERT_TRUE(log.ok()) << log.error().message;
    EXPECT_EQ(std::to_string(log->bytes_used), row["bytes_used"]);
    EXPECT_EQ(std::to_string(log->events.size()), row["events"]);
    std::string algorithms;
    for (const TpmAlgorithm hash : log->hashes) {
      algorithms += (algorithms.empty() ? "" : ",") + std::string(TpmAlgorithmName(hash));
    }
    EXPECT_EQ(algorithms, row["algorithms"]);
  }
}

}  // namespace
}  // namespace blindai::evidence
