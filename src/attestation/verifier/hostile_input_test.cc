// What a hostile server can send in size: evidence and endorsements as large as they may be, of bytes that make parsers
// nest, repeat or believe a length. Each is refused or undecided, in 16 MiB of memory beside the input.
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>

#include <cstdlib>
#include <fstream>

#include "attestation/endorsements/endorsements.h"
#include "attestation/verifier/appraise.h"
#include "support/fake_intel.h"
#include "support/fake_snp.h"
#include "support/fake_tpm.h"

namespace blindai::verifier {
namespace {

using base::Bytes;
using evidence::TeeKind;

constexpr std::size_t kMemory = std::size_t{16} << 20;

// `pattern` again and again, after `head`.
Bytes Filled(std::string_view head, std::string_view pattern) {
  Bytes bytes = base::CopyBytes(base::AsBytes(head));
  while (bytes.size() + pattern.size() <= evidence::kMaxEvidenceBytes)
    bytes.insert(bytes.end(), pattern.begin(), pattern.end());
  return bytes;
}

std::vector<Bytes> HostileBytes() {
  using namespace std::string_view_literals;
  // Large blocks come from the system and go back to it, so that no hole in the heap escapes the limit.
  EXPECT_EQ(mallopt(M_MMAP_THRESHOLD, 64 << 10), 1);
  return {Filled("", "\0"sv),
          Filled("", "\xff"),
          Filled("", "["),
          Filled("", "{\"a\":"),
          Filled("{\"tcbInfo\":{},\"signature\":\"", "00"),
          Filled("", "\x9f"),          // CBOR: arrays without an end in each other
          Filled("\x84", "\xa1\x01"),  // maps in maps
          Filled("", "\x30\x80"),      // DER without lengths
          Filled("\x30\x83\x0f\xff\xfb", "\x30\x03\x02\x01\x01"),  // DER: a million small sequences
          Filled("", "-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n"),
          Filled("", "30"),
          Filled("\x03\0\x02\0"sv, "\xff\xff\xff\x7f")};  // a quote that promises two gigabytes
}

// Judges in a process of its own that may take kMemory more than it has, and exits with 0 when nothing was trusted.
[[noreturn]] void JudgeInLittleMemory(const evidence::EvidenceBundle& bundle) {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t limit = pages * 4096 + kMemory;
  const rlimit memory{limit, limit};
  Question question;
  question.now = tests::kPkiNow;
  if (setrlimit(RLIMIT_AS, &memory) != 0) std::_Exit(2);
  const Verdict verdict = JudgeBundle(bundle, TrustAnchors::Production(), question);
  std::_Exit(verdict.trusted() ? 1 : 0);
}

TEST(HostileInputDeathTest, EvidenceOfEveryKindIsReadInLittleMemory) {
#ifdef BLINDAI_SANITIZED
  GTEST_SKIP() << "sanitizers reserve more memory than any limit";
#endif
  for (const Bytes& bytes : HostileBytes()) {
    for (const TeeKind tee :
         {TeeKind::kSimulated, TeeKind::kSgx, TeeKind::kTdx, TeeKind::kSnp, TeeKind::kTpm, TeeKind::kNitro}) {
      const evidence::EvidenceBundle bundle{tee, bytes, {}};
      EXPECT_EXIT(JudgeInLittleMemory(bundle), testing::ExitedWithCode(0), "")
          << evidence::TeeName(tee) << ", filled with " << int{bytes.back()};
    }
  }
}

TEST(HostileInputDeathTest, EndorsementsOfEveryRoleAreReadInLittleMemory) {
#ifdef BLINDAI_SANITIZED
  GTEST_SKIP() << "sanitizers reserve more memory than any limit";
#endif
  const tests::FakeAmd amd;
  const tests::FakeTpm tpm;
  const tests::FakeIntel intel;
  struct Kind {
    TeeKind tee;
    Bytes evidence;
    std::vector<const char*> roles;
  };
  const Kind kinds[] = {{TeeKind::kSnp, amd.Sign(tests::SnpReportBuilder()), {"leaf", "chain", "crl"}},
                        {TeeKind::kTpm, tpm.Quote(), {"ak", "ak-chain", "event-log", "hardware-report"}},
                        {TeeKind::kTdx,
                         intel.Quote(tests::FakeIntel::Tdx()),
                         {"tcb-info", "tcb-chain", "qe-identity", "qe-chain", "pck-chain", "pck-crl",
                          "root-crl", "crl-chain", "event-log"}}};
  for (const Bytes& bytes : HostileBytes()) {
    for (const Kind& kind : kinds) {
      for (const char* role : kind.roles) {
        const evidence::EvidenceBundle bundle{kind.tee, kind.evidence, {{role, bytes}}};
        EXPECT_EXIT(JudgeInLittleMemory(bundle), testing::ExitedWithCode(0), "")
            << evidence::TeeName(kind.tee) << " " << role << ", filled with " << int{bytes.back()};
      }
    }
  }
}

}  // namespace
}  // namespace blindai::verifier
