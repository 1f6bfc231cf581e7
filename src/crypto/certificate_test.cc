#include "crypto/certificate.h"

#include <gtest/gtest.h>

#include "crypto/certificate_builder.h"
#include "crypto/crl.h"
#include "encoding/hex.h"
#include "support/paths.h"

namespace blindai::crypto {
namespace {

using base::Bytes;

const base::Time kStart = *base::ParseTime("2026-01-01");
const base::Time kEnd = *base::ParseTime("2027-01-01");

CertificateSpec Spec(std::string name) {
  CertificateSpec spec;
  spec.common_name = std::move(name);
  spec.organization = "Test";
  spec.not_before = kStart;
  spec.not_after = kEnd;
  return spec;
}

TEST(Certificate, SelfSignedSaysWhatItWasMadeWith) {
  const SigningKey key = SigningKey::GenerateP256();
  CertificateSpec spec = Spec("blindai");
  spec.dns_names = {"localhost", "example.org"};
  spec.ip_addresses = {"127.0.0.1", "::1"};
  spec.serial = {0x12, 0x34};
  spec.extensions = {{"1.2.3.4", {0x04, 0x01, 0x07}, false}};
  const auto certificate = MakeSelfSigned(spec, key);
  ASSERT_TRUE(certificate.ok()) << certificate.error().message;
  EXPECT_EQ(certificate->subject(), "CN=blindai,O=Test");
  EXPECT_EQ(certificate->issuer_common_name(), "blindai");
  EXPECT_EQ(certificate->serial(), (Bytes{0x12, 0x34}));
  EXPECT_EQ(certificate->not_before(), kStart);
  EXPECT_EQ(certificate->not_after(), kEnd);
  EXPECT_EQ(certificate->public_key(), key.public_key());
  EXPECT_FALSE(certificate->is_ca());
  EXPECT_FALSE(certificate->key_usage().cert_sign);
  EXPECT_EQ(*certificate->extension("1.2.3.4"), (Bytes{0x04, 0x01, 0x07}));
  EXPECT_FALSE(certificate->extension("1.2.3.5").has_value());
  EXPECT_TRUE(certificate->MatchesHost("example.org"));
  EXPECT_TRUE(certificate->MatchesHost("127.0.0.1"));
  EXPECT_TRUE(certificate->MatchesHost("::1"));
  EXPECT_FALSE(certificate->MatchesHost("example.com"));
  EXPECT_TRUE(certificate->IsSelfIssued());
  EXPECT_TRUE(certificate->IsSignedBy(*certificate));
  EXPECT_FALSE(certificate->IsSignedBy(SigningKey::GenerateP256().public_key()));
}

TEST(Certificate, EveryKindOfKeySigns) {
  for (const auto& key :
       {SigningKey::GenerateP384(), SigningKey::GenerateEd25519(), SigningKey::GenerateRsa(2048)}) {
    const auto certificate = MakeSelfSigned(Spec("ca"), key);
    ASSERT_TRUE(certificate.ok()) << certificate.error().message;
    EXPECT_TRUE(certificate->IsSignedBy(key.public_key()));
  }
}

TEST(Certificate, AKeyHasTheSameDigestBesideItsCertificateAndInIt) {
  for (const SigningKey& key : {SigningKey::GenerateP256(), SigningKey::GenerateP384(),
                                SigningKey::GenerateEd25519(), SigningKey::GenerateRsa(2048)}) {
    const auto certificate = MakeSelfSigned(Spec("key"), key);
    EXPECT_EQ(certificate->public_key().spki_der(), key.public_key().spki_der());
    EXPECT_EQ(certificate->public_key().SpkiSha256(), key.public_key().SpkiSha256());
  }
}

TEST(Certificate, RsaPssSignsAsAmdDoes) {
  const SigningKey key = SigningKey::GenerateRsa(2048);
  CertificateSpec spec = Spec("ARK");
  spec.is_ca = true;
  spec.path_length = 1;
  spec.signature = CertificateSignature::kRsaPssSha384;
  const auto ark = MakeSelfSigned(spec, key);
  ASSERT_TRUE(ark.ok()) << ark.error().message;
  EXPECT_TRUE(ark->is_ca());
  EXPECT_EQ(ark->path_length(), 1);
  EXPECT_TRUE(ark->key_usage().crl_sign);
  EXPECT_TRUE(ark->IsSignedBy(*ark));
  const SigningKey leaf_key = SigningKey::GenerateP384();
  CertificateSpec leaf_spec = Spec("VCEK");
  leaf_spec.signature = CertificateSignature::kRsaPssSha384;
  const auto leaf = MakeSigned(leaf_spec, leaf_key.public_key(), *ark, key);
  ASSERT_TRUE(leaf.ok());
  EXPECT_TRUE(leaf->HasIssuerName(*ark));
  EXPECT_TRUE(leaf->IsSignedBy(*ark));
  EXPECT_FALSE(leaf->IsSignedBy(*leaf));
}

TEST(Certificate, EveryFlippedByteIsRefusedOrNoLongerSigned) {
  const SigningKey key = SigningKey::GenerateP256();
  const Certificate good = MakeSelfSigned(Spec("blindai"), key).value();
  for (std::size_t i = 0; i < good.der().size(); ++i) {
    Bytes bent = good.der();
    bent[i] ^= 1;
    const auto read = Certificate::FromDer(bent);
    EXPECT_FALSE(read.ok() && read->IsSignedBy(key.public_key())) << "byte " << i;
  }
}

TEST(Certificate, EveryTruncationAndTrailingByteIsRefused) {
  const Certificate good = MakeSelfSigned(Spec("blindai"), SigningKey::GenerateP256()).value();
  for (std::size_t size = 0; size < good.der().size(); ++size) {
    EXPECT_FALSE(Certificate::FromDer(base::ByteView(good.der()).first(size)).ok()) << size;
  }
  Bytes longer = good.der();
  longer.push_back(0);
  EXPECT_FALSE(Certificate::FromDer(longer).ok());
}

TEST(Certificate, PemHoldsSeveral) {
  const Certificate one = MakeSelfSigned(Spec("one"), SigningKey::GenerateP256()).value();
  const Certificate two = MakeSelfSigned(Spec("two"), SigningKey::GenerateP256()).value();
  const auto all = Certificate::AllFromPem(one.ToPem() + "\n" + two.ToPem() + std::string(1, '\0'));
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[1], two);
  EXPECT_EQ(*Certificate::FromPem(one.ToPem()), one);
  EXPECT_EQ(Certificate::FromPem("nothing").error().code, "bad-pem");
}

TEST(Certificate, NamesOfSpecsThatCannotBeEncodedAreErrors) {
  CertificateSpec spec = Spec("x");
  spec.ip_addresses = {"not an address"};
  EXPECT_EQ(MakeSelfSigned(spec, SigningKey::GenerateP256()).error().code, "bad-certificate");
  spec = Spec(std::string(100, 'x'));
  EXPECT_EQ(MakeSelfSigned(spec, SigningKey::GenerateP256()).error().code, "bad-certificate");
}

TEST(Crl, ListsWhatWasRevoked) {
  const SigningKey key = SigningKey::GenerateP256();
  CertificateSpec spec = Spec("ca");
  spec.is_ca = true;
  const Certificate ca = MakeSelfSigned(spec, key).value();
  const auto crl = MakeCrl({kStart, kEnd, {{0x01, 0x02}, {0xff}}, CertificateSignature::kByKey}, ca, key);
  ASSERT_TRUE(crl.ok()) << crl.error().message;
  EXPECT_EQ(crl->entry_count(), 2u);
  EXPECT_TRUE(crl->IsRevoked(Bytes{0x01, 0x02}));
  EXPECT_TRUE(crl->IsRevoked(Bytes{0xff}));
  EXPECT_TRUE(crl->IsRevoked(Bytes{0x00, 0xff}));
  EXPECT_FALSE(crl->IsRevoked(Bytes{0x01}));
  EXPECT_EQ(crl->issuer_common_name(), "ca");
  EXPECT_EQ(crl->this_update(), kStart);
  EXPECT_EQ(crl->next_update(), kEnd);
  EXPECT_TRUE(crl->HasIssuerName(ca));
  EXPECT_TRUE(crl->IsSignedBy(key.public_key()));
  EXPECT_FALSE(crl->IsSignedBy(SigningKey::GenerateP256().public_key()));
}

TEST(Crl, ComesAsDerPemOrHexWithPadding) {
  const SigningKey key = SigningKey::GenerateP256();
  const Certificate ca = MakeSelfSigned(Spec("ca"), key).value();
  const Crl crl = MakeCrl({kStart, kEnd, {}, CertificateSignature::kByKey}, ca, key).value();
  Bytes padded = crl.der();
  padded.push_back(0);
  EXPECT_TRUE(Crl::FromAny(padded).ok());
  EXPECT_EQ(Crl::FromDer(padded).error().code, "bad-crl");
  const std::string hex = encoding::HexEncode(crl.der()) + std::string("\n\0", 2);
  EXPECT_TRUE(Crl::FromAny(base::AsBytes(hex)).ok());
  EXPECT_EQ(Crl::FromAny(base::AsBytes("zz")).error().code, "bad-crl");
  EXPECT_EQ(Crl::FromAny({}).error().code, "bad-crl");
}

TEST(Certificate, TheRealRootsAreReadAndSignThemselves) {
  const auto vectors = tests::VectorsDir();
  if (!vectors) GTEST_SKIP() << tests::kNoVectors;
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(*vectors / "roots")) {
    if (entry.path().extension() == ".txt") continue;
    const Bytes file = tests::ReadFile(entry.path());
    const auto root = entry.path().extension() == ".der" ? Certificate::FromDer(file)
                                                         : Certificate::FromPem(base::AsText(file));
    ASSERT_TRUE(root.ok()) << entry.path() << root.error().message;
    EXPECT_TRUE(root->IsSignedBy(*root)) << entry.path();
    EXPECT_TRUE(root->is_ca()) << entry.path();
    ++seen;
  }
  EXPECT_GE(seen, 6);
}

}  // namespace
}  // namespace blindai::crypto
