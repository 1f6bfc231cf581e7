#include "crypto/openssl_util.h"

#include <gtest/gtest.h>

namespace blindai::crypto {
namespace {

// AlgorithmIdentifier { oid, NULL or nothing }.
bool IsStrong(int nid) {
  const OpenSslPtr<X509_ALGOR, &X509_ALGOR_free> algorithm(X509_ALGOR_new());
  X509_ALGOR_set0(algorithm.get(), OBJ_nid2obj(nid), V_ASN1_NULL, nullptr);
  return UsesStrongHash(algorithm.get());
}

TEST(OpenSslUtil, OnlySha2SignaturesAreStrong) {
  for (const int nid :
       {NID_ecdsa_with_SHA256, NID_ecdsa_with_SHA384, NID_sha256WithRSAEncryption, NID_ED25519}) {
    EXPECT_TRUE(IsStrong(nid)) << OBJ_nid2sn(nid);
  }
  for (const int nid : {NID_ecdsa_with_SHA1, NID_sha1WithRSAEncryption, NID_md5WithRSAEncryption, NID_sha256,
                        NID_rsaEncryption, NID_undef}) {
    EXPECT_FALSE(IsStrong(nid)) << OBJ_nid2sn(nid);
  }
}

TEST(OpenSslUtil, RsaPssWithoutParametersMeansSha1AndIsWeak) { EXPECT_FALSE(IsStrong(NID_rsassaPss)); }

TEST(OpenSslUtil, TimesThatAreNoneAreErrors) {
  const OpenSslPtr<ASN1_TIME, &ASN1_TIME_free> time(ASN1_TIME_new());
  ASN1_STRING_set(time.get(), "2026", 4);
  EXPECT_EQ(ToTime(time.get(), "notAfter").error().message, "notAfter: not a valid time");
  EXPECT_FALSE(ToTime(nullptr, "notAfter").ok());
  ASSERT_EQ(ASN1_TIME_set_string_X509(time.get(), "20260102030405Z"), 1);
  EXPECT_EQ(base::FormatTime(*ToTime(time.get(), "notAfter")), "2026-01-02T03:04:05Z");
}

}  // namespace
}  // namespace blindai::crypto
