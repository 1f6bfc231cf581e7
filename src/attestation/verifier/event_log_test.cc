#include "attestation/verifier/event_log.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <regex>

#include "base/byte_reader.h"
#include "encoding/hex.h"
#include "support/log_builder.h"
#include "support/paths.h"
#include "support/vectors.h"

namespace blindai::verifier {
namespace {

namespace json = boost::json;
using base::Bytes;
using evidence::TpmAlgorithm;
using evidence::TpmEventLog;
using tests::EventLogBuilder;

Bytes Extend(const Bytes& value, base::ByteView digest) {
  Bytes both = value;
  both.insert(both.end(), digest.begin(), digest.end());
  return crypto::Hash(crypto::HashAlgorithm::kSha256, both);
}

TpmEventLog Parsed(const EventLogBuilder& builder) { return *evidence::ParseTpmEventLog(builder.Build()); }

Bytes Last(Bytes bytes, std::uint8_t value) {
  bytes.back() = value;
  return bytes;
}

TEST(EventLog, DigestsAreExtendedInTheirOrder) {
  const Bytes one = {1};
  const Bytes two = {2};
  const auto values = ReplayLog(Parsed(EventLogBuilder().Event(4, 1, one).Event(4, 1, two).Event(5, 1, two)),
                                TpmAlgorithm::kSha256, LogRegisters::kPcr);
  ASSERT_TRUE(values);
  EXPECT_EQ(values->at(4), Extend(Extend(Bytes(32), crypto::Sha256(one).view()), crypto::Sha256(two).view()));
  EXPECT_EQ(values->at(5), Extend(Bytes(32), crypto::Sha256(two).view()));
  EXPECT_EQ(values->size(), 2u);
}

TEST(EventLog, NoActionIsNotExtended) {
  const auto values = ReplayLog(Parsed(EventLogBuilder().Event(4, evidence::kEvNoAction, Bytes{1})),
                                TpmAlgorithm::kSha256, LogRegisters::kPcr);
  EXPECT_TRUE(values->empty());
}

TEST(EventLog, StartValuesAreThoseOfTheStandard) {
  const Bytes data = {1};
  const auto digest = crypto::Sha256(data);
  const Bytes locality = base::CopyBytes(base::AsBytes(std::string_view("StartupLocality\0\x03", 17)));
  const auto values = ReplayLog(
      Parsed(
          EventLogBuilder().Event(0, evidence::kEvNoAction, locality).Event(0, 1, data).Event(17, 1, data)),
      TpmAlgorithm::kSha256, LogRegisters::kPcr);
  EXPECT_EQ(values->at(0), Extend(Last(Bytes(32), 3), digest.view()));
  EXPECT_EQ(values->at(17), Extend(Bytes(32, 0xFF), digest.view()));
}

TEST(EventLog, ALogWithoutTheHashHasNoReplay) {
  EXPECT_FALSE(ReplayLog(Parsed(EventLogBuilder().Separator(0)), TpmAlgorithm::kSha384, LogRegisters::kPcr));
}

TEST(EventLog, MrtdIsNotARegisterThatALogExtends) {
  const auto values = ReplayLog(Parsed(EventLogBuilder().Separator(0).Separator(1).Separator(5)),
                                TpmAlgorithm::kSha256, LogRegisters::kRtmr);
  EXPECT_EQ(values->size(), 1u);
  EXPECT_TRUE(values->contains(1));
}

TEST(EventLog, ReplayIsComparedRegisterByRegister) {
  const auto replayed = *ReplayLog(Parsed(EventLogBuilder().Separator(0).Separator(7)), TpmAlgorithm::kSha256,
                                   LogRegisters::kPcr);
  FindingList good;
  EXPECT_TRUE(CheckReplay(good, "log", replayed, RegisterValues{{0, replayed.at(0)}, {9, Bytes(32)}}));
  FindingList bad;
  EXPECT_FALSE(CheckReplay(bad, "log", replayed, RegisterValues{{0, replayed.at(0)}, {7, Bytes(32)}}));
  EXPECT_EQ(bad.findings().back().code, "replay-mismatch");
  FindingList none;
  EXPECT_FALSE(CheckReplay(none, "log", replayed, RegisterValues{{9, Bytes(32)}}));
  EXPECT_EQ(none.Conclude(), Outcome::kRefused);
  FindingList unsigned_log;
  EXPECT_FALSE(CheckReplay(unsigned_log, "log", replayed, std::nullopt));
  EXPECT_EQ(unsigned_log.Conclude(), Outcome::kUndecided);
}

bool SeparatorsAreGood(const EventLogBuilder& builder, LogRegisters registers) {
  FindingList findings;
  return CheckSeparators(findings, "separators", Parsed(builder), TpmAlgorithm::kSha256, registers);
}

TEST(EventLog, ASecondSeparatorInAPcrIsRefused) {
  EXPECT_TRUE(SeparatorsAreGood(EventLogBuilder().Separator(0).Separator(7), LogRegisters::kPcr));
  EXPECT_FALSE(SeparatorsAreGood(EventLogBuilder().Separator(7).Separator(7), LogRegisters::kPcr));
  EXPECT_TRUE(SeparatorsAreGood(EventLogBuilder().Separator(1).Separator(1), LogRegisters::kRtmr));
}

TEST(EventLog, SeparatorsHaveTwoValuesAndTheirHash) {
  EXPECT_TRUE(SeparatorsAreGood(EventLogBuilder().Event(7, 4, Bytes(4, 0xFF)), LogRegisters::kPcr));
  EXPECT_FALSE(SeparatorsAreGood(EventLogBuilder().Event(7, 4, Bytes(4, 0x01)), LogRegisters::kPcr));
  EXPECT_FALSE(SeparatorsAreGood(EventLogBuilder().Event(7, 4, Bytes(5)), LogRegisters::kPcr));
  EXPECT_FALSE(SeparatorsAreGood(EventLogBuilder().Event(7, 4, Bytes(4), Bytes(32, 1)), LogRegisters::kPcr));
}

TEST(EventLog, SecureBootIsReadFromTrueDataAlone) {
  const auto of = [](const EventLogBuilder& builder) {
    return SecureBootOf(Parsed(builder), TpmAlgorithm::kSha256, LogRegisters::kPcr);
  };
  EXPECT_EQ(of(EventLogBuilder().SecureBoot(1)), true);
  EXPECT_EQ(of(EventLogBuilder().SecureBoot(0)), false);
  EXPECT_EQ(of(EventLogBuilder().SecureBoot(1, 6)), std::nullopt);
  EXPECT_EQ(of(EventLogBuilder().SecureBoot(0).SecureBoot(1)), std::nullopt);
  // The digest of "off" with the data of "on": the replay would still be right.
  const auto off = crypto::Sha256(EventLogBuilder::SecureBootVariable(0));
  EXPECT_EQ(of(EventLogBuilder().Event(7, 0x80000001, EventLogBuilder::SecureBootVariable(1), off.view())),
            std::nullopt);
  Bytes truncated = EventLogBuilder::SecureBootVariable(1);
  for (std::size_t size = 0; size < truncated.size(); ++size) {
    EXPECT_EQ(of(EventLogBuilder().Event(7, 0x80000001, base::ByteView(truncated).first(size))),
              std::nullopt);
  }
}

TEST(EventLog, AVariableThatDoesNotAddUpSaysNothing) {
  const auto of = [](const Bytes& variable) {
    return SecureBootOf(Parsed(EventLogBuilder().Event(7, 0x80000001, variable)), TpmAlgorithm::kSha256,
                        LogRegisters::kPcr);
  };
  const Bytes good = EventLogBuilder::SecureBootVariable(1);
  EXPECT_EQ(of(good), true);
  for (const std::size_t length_field : {16u, 24u}) {
    Bytes too_long = good;
    too_long[length_field + 7] = 0xFF;
    EXPECT_EQ(of(too_long), std::nullopt);
  }
  Bytes trailing = good;
  trailing.push_back(0);
  EXPECT_EQ(of(trailing), std::nullopt);
  Bytes other_script = good;
  other_script[33] = 0x04;  // the high byte of the first letter
  EXPECT_EQ(of(other_script), std::nullopt);
}

TEST(EventLog, WhatCannotBeExtendedHasNoReplay) {
  TpmEventLog log;
  log.hashes = {TpmAlgorithm::kSha256, TpmAlgorithm::kSm3};
  evidence::TpmLogEvent event;
  event.digests.push_back({TpmAlgorithm::kSm3, Bytes(32)});
  log.events.push_back(event);
  EXPECT_FALSE(ReplayLog(log, TpmAlgorithm::kSha256, LogRegisters::kPcr)) << "the event has no such digest";
  EXPECT_FALSE(ReplayLog(log, TpmAlgorithm::kSm3, LogRegisters::kPcr)) << "SM3 is not computed here";
  log.hashes = {TpmAlgorithm::kNull};
  EXPECT_FALSE(ReplayLog(log, TpmAlgorithm::kNull, LogRegisters::kPcr));
}

TEST(EventLog, SeparatorsOfWhatIsNoRtmrAreNotLookedAt) {
  EXPECT_TRUE(SeparatorsAreGood(EventLogBuilder().Event(9, 4, Bytes(3)), LogRegisters::kRtmr));
}

// ---- the log of a TD ----

// A TD whose RTMR1 is what this log leads to.
evidence::TdReport TdOf(const EventLogBuilder& log) {
  const auto parsed = evidence::ParseTpmEventLog(log.Build());
  const auto values = ReplayLog(*parsed, TpmAlgorithm::kSha384, LogRegisters::kRtmr);
  evidence::TdReport td;
  for (const auto& [index, value] : *values)
    std::copy(value.begin(), value.end(), td.rtmr[index - 1].bytes.begin());
  return td;
}

Finding JudgedTdLog(const evidence::TdReport& td, const Bytes& log) {
  endorsements::Endorsements endorsements;
  EXPECT_TRUE(endorsements.Add("event-log", log).ok());
  FindingList findings;
  CheckTdEventLog(td, endorsements, findings);
  for (const Finding& finding : findings.findings())
    if (finding.status == CheckStatus::kFailed) return finding;
  return findings.findings().front();
}

EventLogBuilder Ccel() { return EventLogBuilder(crypto::HashAlgorithm::kSha384); }

TEST(TdEventLog, ALogThatReplaysToTheRegistersPasses) {
  const EventLogBuilder log = Ccel().Separator(1).Event(2, 13, Bytes(5, 7)).Separator(2).Separator(2);
  EXPECT_EQ(JudgedTdLog(TdOf(log), log.Build()).code, "ok");
  EXPECT_EQ(JudgedTdLog(TdOf(log), log.Build()).check, "TD event log");
}

TEST(TdEventLog, ALogOfAnotherBootIsRefused) {
  const EventLogBuilder log = Ccel().Event(2, 13, Bytes(5, 7));
  EXPECT_EQ(JudgedTdLog(TdOf(Ccel().Event(2, 13, Bytes(5, 8))), log.Build()).code, "replay-mismatch");
  EXPECT_EQ(JudgedTdLog(TdOf(log), Ccel().Build()).code, "replay-mismatch");
}

TEST(TdEventLog, WhatIsNoLogOfATdIsRefused) {
  const EventLogBuilder log = Ccel().Event(2, 13, Bytes(5, 7));
  EXPECT_EQ(JudgedTdLog(TdOf(log), EventLogBuilder().Event(2, 13, Bytes(5, 7)).Build()).code, "event-log");
  EXPECT_EQ(JudgedTdLog(TdOf(log), Bytes(40, 1)).code, "event-log");
  const EventLogBuilder separated = Ccel().Event(2, 4, Bytes(4, 9));
  EXPECT_EQ(JudgedTdLog(TdOf(separated), separated.Build()).code, "event-log");
}

TEST(TdEventLog, WithoutALogNothingIsSaid) {
  FindingList findings;
  CheckTdEventLog({}, {}, findings);
  EXPECT_TRUE(findings.findings().empty());
}

// ---- the table ----

json::value ReadJson(const std::string& file) {
  const Bytes bytes = tests::ReadVector(file);
  return json::parse(base::AsText(bytes));
}

// dstack's list: the register, the digest, and for RTMR3 how the digest is made.
TpmEventLog LogOfJson(const std::string& file) {
  const json::value root = ReadJson(file);
  json::value list = root.is_object() && root.as_object().contains("event_log") ? root.at("event_log") : root;
  if (list.is_string()) list = json::parse(list.as_string());
  TpmEventLog log;
  log.hashes = {TpmAlgorithm::kSha384};
  for (const json::value& entry : list.as_array()) {
    evidence::TpmLogEvent event;
    event.index = entry.at("imr").to_number<std::uint32_t>() + 1;
    event.type = entry.at("event_type").to_number<std::uint32_t>();
    Bytes digest = tests::FromHex(entry.at("digest").as_string());
    if (digest.empty()) {
      base::ByteWriter writer;
      writer.U32(event.type).Append(":").Append(std::string_view(entry.at("event").as_string())).Append(":");
      writer.Append(tests::FromHex(entry.at("event_payload").as_string()));
      digest = crypto::Hash(crypto::HashAlgorithm::kSha384, writer.view());
    }
    event.digests.push_back({TpmAlgorithm::kSha384, std::move(digest)});
    log.events.push_back(std::move(event));
  }
  return log;
}

// RTMR0 to 3 of a version 4 quote: 48 bytes of header, then the TD report.
RegisterValues RtmrsOfQuote(const std::string& file) {
  const Bytes quote = tests::ReadVector(file);
  RegisterValues values;
  for (std::uint32_t i = 0; i < 4; ++i) {
    values[i + 1] = base::CopyBytes(base::ByteView(quote).subspan(48 + 328 + 48 * i, 48));
  }
  return values;
}

// "the TPM held HEX" of a row that compares with one PCR.
RegisterValues PcrOfRow(const tests::VectorRow& row) {
  const std::uint32_t index = static_cast<std::uint32_t>(std::stoul(row["compare_with"].substr(4)));
  std::smatch held;
  EXPECT_TRUE(std::regex_search(row["result"], held, std::regex("held ([0-9a-f]+)")));
  return {{index, tests::FromHex(held[1].str())}};
}

// Every bank of a log against the values that were computed for the vectors.
void ExpectReplayedValues(const tests::VectorRow& row, const TpmEventLog& log, LogRegisters registers) {
  const bool rtmr = registers == LogRegisters::kRtmr;
  const json::value known = ReadJson(rtmr ? "tdx/REPLAYED_RTMRS.json" : "tpm/REPLAYED_PCRS.json");
  const auto* entry = known.as_object().if_contains(row["log"]);
  ASSERT_NE(entry, nullptr) << row["log"];
  for (const TpmAlgorithm hash : log.hashes) {
    const auto values = ReplayLog(log, hash, registers);
    ASSERT_TRUE(values);
    const json::object& expected = rtmr ? entry->at("rtmr").as_object()
                                        : entry->at("banks").at(evidence::TpmAlgorithmName(hash)).as_object();
    std::size_t compared = 0;
    for (const auto& [index, value] : expected) {
      const auto found = values->find(static_cast<std::uint32_t>(std::stoul(index)) + (rtmr ? 1 : 0));
      ASSERT_NE(found, values->end()) << row["log"] << " register " << index;
      EXPECT_EQ(tests::ToHex(found->second), std::string_view(value.as_string()))
          << row["log"] << " register " << index;
      ++compared;
    }
    EXPECT_EQ(compared, values->size()) << row["log"];
  }
}

TEST(EventLog, RealLogsGetTheVerdictOfTheTable) {
  const auto rows = tests::ReadVectorTable("verdicts_eventlog.tsv");
  if (rows.empty()) GTEST_SKIP() << tests::kNoVectors;
  for (const auto& row : rows) {
    SCOPED_TRACE(row["log"]);
    const bool is_json = row["kind"].starts_with("JSON");
    const LogRegisters registers =
        is_json || row["kind"].starts_with("CCEL") ? LogRegisters::kRtmr : LogRegisters::kPcr;
    TpmEventLog log;
    if (is_json) {
      log = LogOfJson(row["log"]);
    } else {
      auto parsed = evidence::ParseTpmEventLog(tests::ReadVector(row["log"]));
      ASSERT_TRUE(parsed.ok()) << parsed.error().message;
      log = std::move(parsed).value();
      if (row["result"].find("REPLAYED") != std::string::npos) ExpectReplayedValues(row, log, registers);
    }
    const TpmAlgorithm hash = log.hashes.back();
    const auto replayed = ReplayLog(log, hash, registers);
    ASSERT_TRUE(replayed);
    std::optional<RegisterValues> signed_values;
    if (row["compare_with"].starts_with("PCR")) {
      signed_values = PcrOfRow(row);
    } else if (!row["compare_with"].empty()) {
      signed_values = RtmrsOfQuote(row["compare_with"]);
    }
    FindingList findings;
    CheckReplay(findings, "event log", *replayed, signed_values);
    const Outcome outcome = findings.Conclude();
    if (row["verdict"] == "accept") {
      EXPECT_EQ(outcome, Outcome::kTrusted) << findings.findings().back().seen;
    } else {
      EXPECT_EQ(outcome, row["verdict"] == "reject" ? Outcome::kRefused : Outcome::kUndecided);
      EXPECT_EQ(findings.findings().back().code, row["code"]);
    }
  }
}

}  // namespace
}  // namespace blindai::verifier
