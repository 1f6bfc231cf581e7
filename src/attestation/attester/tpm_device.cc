#include "attestation/attester/tpm_device.h"

#include <fmt/format.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tctildr.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/check.h"

namespace blindai::attester {
namespace {

using base::Bytes;
using base::ByteView;
using evidence::TpmAlgorithm;
using evidence::TpmPcrValue;

constexpr std::uint16_t kNvPiece = 512;
constexpr int kPcrReadAttempts = 8;
constexpr TPM2_RC kNoSuchHandle = TPM2_RC_HANDLE;
constexpr std::size_t kMaxNvIndex = 2048;  // what TPMs give one index (TPM_PT_NV_INDEX_MAX)

base::Error Unavailable(std::string_view command, TSS2_RC code) {
  return base::MakeError(base::ErrorKind::kUnavailable, "attester-unavailable",
                         fmt::format("TPM: {} failed with response code {:#010x}", command, code));
}

// ESAPI hands out memory of malloc.
struct Free {
  void operator()(void* memory) const { Esys_Free(memory); }
};
template <typename T>
using EsysPtr = std::unique_ptr<T, Free>;

template <typename Structure>
using Marshal = TSS2_RC (*)(const Structure*, std::uint8_t*, std::size_t, std::size_t*);

template <typename Structure>
Bytes MarshalToBytes(const Structure& structure, Marshal<Structure> marshal) {
  Bytes bytes(sizeof(Structure));
  std::size_t size = 0;
  BLINDAI_CHECK(marshal(&structure, bytes.data(), bytes.size(), &size) == TSS2_RC_SUCCESS);
  bytes.resize(size);
  return bytes;
}

template <typename Sized>
Bytes BytesOf(const Sized& sized, const std::uint8_t* buffer) {
  return Bytes(buffer, buffer + sized.size);
}

// A TPM2B of one of the buffer kinds; too long a value is the caller's mistake.
template <typename Sized, std::size_t N>
void Fill(Sized& sized, std::uint8_t (&buffer)[N], ByteView bytes) {
  BLINDAI_CHECK(bytes.size() <= N);
  sized.size = static_cast<std::uint16_t>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), buffer);
}

TPML_PCR_SELECTION Selection(TpmAlgorithm bank, std::uint32_t mask) {
  TPML_PCR_SELECTION selection{};
  selection.count = 1;
  selection.pcrSelections[0].hash = static_cast<TPMI_ALG_HASH>(bank);
  selection.pcrSelections[0].sizeofSelect = 3;
  for (unsigned i = 0; i < 3; ++i) {
    selection.pcrSelections[0].pcrSelect[i] = static_cast<std::uint8_t>(mask >> (8 * i));
  }
  return selection;
}

std::uint32_t MaskOf(const TPML_PCR_SELECTION& selection) {
  std::uint32_t mask = 0;
  for (UINT32 i = 0; i < selection.count; ++i) {
    const auto& bank = selection.pcrSelections[i];
    for (unsigned byte = 0; byte < std::min<unsigned>(bank.sizeofSelect, 3); ++byte) {
      mask |= std::uint32_t{bank.pcrSelect[byte]} << (8 * byte);
    }
  }
  return mask;
}

TPM2B_PUBLIC AttestationKeyTemplate() {
  TPM2B_PUBLIC key{};
  TPMT_PUBLIC& area = key.publicArea;
  area.type = TPM2_ALG_ECC;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                          TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT;
  area.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
  area.parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA;
  area.parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
  area.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
  area.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
  // Tells this key from every other primary key of the TPM.
  constexpr std::string_view kLabel = "blindai attestation key 1";
  Fill(area.unique.ecc.x, area.unique.ecc.x.buffer, base::AsBytes(kLabel));
  return key;
}

// TCG EK Credential Profile 2.1, template L-1: RSA 2048, AES-128-CFB, PolicySecret of the endorsement hierarchy.
constexpr std::array<std::uint8_t, 32> kEkPolicy = {
    0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
    0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa};
TPM2B_PUBLIC EndorsementKeyTemplate() {
  TPM2B_PUBLIC key{};
  TPMT_PUBLIC& area = key.publicArea;
  area.type = TPM2_ALG_RSA;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                          TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
  Fill(area.authPolicy, area.authPolicy.buffer, kEkPolicy);
  area.parameters.rsaDetail.symmetric.algorithm = TPM2_ALG_AES;
  area.parameters.rsaDetail.symmetric.keyBits.aes = 128;
  area.parameters.rsaDetail.symmetric.mode.aes = TPM2_ALG_CFB;
  area.parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
  area.parameters.rsaDetail.keyBits = 2048;
  area.unique.rsa.size = 256;
  return key;
}

}  // namespace

// The connection, and the handles that live in the TPM while it is open.
struct TpmDevice::Context {
  TSS2_TCTI_CONTEXT* tcti = nullptr;
  ESYS_CONTEXT* esys = nullptr;
  ESYS_TR attestation_key = ESYS_TR_NONE;
  bool attestation_key_is_transient = false;

  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() {
    DropAttestationKey();
    if (esys != nullptr) Esys_Finalize(&esys);
    if (tcti != nullptr) Tss2_TctiLdr_Finalize(&tcti);
  }

  void DropAttestationKey() {
    if (attestation_key_is_transient) Esys_FlushContext(esys, attestation_key);
    attestation_key = ESYS_TR_NONE;
    attestation_key_is_transient = false;
  }

  base::Result<ESYS_TR> CreatePrimary(const TPM2B_PUBLIC& key_template, Bytes& public_area) {
    const TPM2B_SENSITIVE_CREATE sensitive{};
    const TPM2B_DATA outside{};
    const TPML_PCR_SELECTION no_pcrs{};
    ESYS_TR handle = ESYS_TR_NONE;
    TPM2B_PUBLIC* made = nullptr;
    const TSS2_RC code = Esys_CreatePrimary(esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                            ESYS_TR_NONE, &sensitive, &key_template, &outside, &no_pcrs,
                                            &handle, &made, nullptr, nullptr, nullptr);
    const EsysPtr<TPM2B_PUBLIC> owner(made);
    if (code != TSS2_RC_SUCCESS) return Unavailable("CreatePrimary", code);
    public_area = MarshalToBytes(made->publicArea, Tss2_MU_TPMT_PUBLIC_Marshal);
    return handle;
  }

  // A policy session that satisfies the endorsement key's PolicySecret.
  base::Result<ESYS_TR> EndorsementSession() {
    TPMT_SYM_DEF none{};
    none.algorithm = TPM2_ALG_NULL;
    ESYS_TR session = ESYS_TR_NONE;
    TSS2_RC code =
        Esys_StartAuthSession(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                              nullptr, TPM2_SE_POLICY, &none, TPM2_ALG_SHA256, &session);
    if (code != TSS2_RC_SUCCESS) return Unavailable("StartAuthSession", code);
    code = Esys_PolicySecret(esys, ESYS_TR_RH_ENDORSEMENT, session, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                             ESYS_TR_NONE, nullptr, nullptr, nullptr, 0, nullptr, nullptr);
    if (code != TSS2_RC_SUCCESS) {
      Esys_FlushContext(esys, session);
      return Unavailable("PolicySecret", code);
    }
    return session;
  }
};

TpmDevice::TpmDevice(std::unique_ptr<Context> context) : context_(std::move(context)) {}
TpmDevice::TpmDevice(TpmDevice&&) noexcept = default;
TpmDevice& TpmDevice::operator=(TpmDevice&&) noexcept = default;
TpmDevice::~TpmDevice() = default;

base::Result<TpmDevice> TpmDevice::Open(const std::string& tcti) {
  // The library writes its errors to stderr unless it is told not to; ours say the same.
  setenv("TSS2_LOG", "all+none", 0);
  auto context = std::make_unique<Context>();
  TSS2_RC code = Tss2_TctiLdr_Initialize(tcti.c_str(), &context->tcti);
  if (code != TSS2_RC_SUCCESS) return Unavailable("opening the device", code);
  code = Esys_Initialize(&context->esys, context->tcti, nullptr);
  if (code != TSS2_RC_SUCCESS) return Unavailable("opening the device", code);
  return TpmDevice(std::move(context));
}

base::Result<Bytes> TpmDevice::ReadNv(std::uint32_t index) {
  ESYS_CONTEXT* esys = context_->esys;
  ESYS_TR handle = ESYS_TR_NONE;
  TSS2_RC code = Esys_TR_FromTPMPublic(esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &handle);
  if ((code & TPM2_RC_HANDLE) == kNoSuchHandle) {
    return base::MakeError(base::ErrorKind::kNotFound, "not-found",
                           fmt::format("TPM: NV index {:#010x} is empty", index));
  }
  if (code != TSS2_RC_SUCCESS) return Unavailable("NV_ReadPublic", code);
  TPM2B_NV_PUBLIC* description = nullptr;
  code = Esys_NV_ReadPublic(esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &description, nullptr);
  const EsysPtr<TPM2B_NV_PUBLIC> owner(description);
  if (code != TSS2_RC_SUCCESS) return Unavailable("NV_ReadPublic", code);

  // Makers let everybody read with the index's own (empty) authorization, clouds with the owner's.
  const bool by_index = (description->nvPublic.attributes & TPMA_NV_AUTHREAD) != 0;
  const ESYS_TR authorization = by_index ? handle : ESYS_TR_RH_OWNER;
  Bytes content;
  while (content.size() < description->nvPublic.dataSize) {
    const auto offset = static_cast<std::uint16_t>(content.size());
    const auto left = static_cast<std::uint16_t>(description->nvPublic.dataSize - offset);
    TPM2B_MAX_NV_BUFFER* data = nullptr;
    code = Esys_NV_Read(esys, authorization, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                        std::min(kNvPiece, left), offset, &data);
    const EsysPtr<TPM2B_MAX_NV_BUFFER> piece_owner(data);
    if (code != TSS2_RC_SUCCESS) return Unavailable("NV_Read", code);
    if (data->size == 0) return Unavailable("NV_Read", code);
    content.insert(content.end(), data->buffer, data->buffer + data->size);
  }
  return content;
}

base::Status TpmDevice::WriteNv(std::uint32_t index, ByteView content) {
  BLINDAI_CHECK(!content.empty() && content.size() <= kMaxNvIndex);
  ESYS_CONTEXT* esys = context_->esys;
  ESYS_TR handle = ESYS_TR_NONE;
  TSS2_RC code = Esys_TR_FromTPMPublic(esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &handle);
  if ((code & TPM2_RC_HANDLE) == kNoSuchHandle) {
    TPM2B_NV_PUBLIC description{};
    description.nvPublic.nvIndex = index;
    description.nvPublic.nameAlg = TPM2_ALG_SHA256;
    description.nvPublic.attributes = TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD;
    description.nvPublic.dataSize = static_cast<UINT16>(content.size());
    const TPM2B_AUTH no_authorization{};
    code = Esys_NV_DefineSpace(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                               &no_authorization, &description, &handle);
    if (code != TSS2_RC_SUCCESS) return Unavailable("NV_DefineSpace", code);
  }
  if (code != TSS2_RC_SUCCESS) return Unavailable("NV_ReadPublic", code);
  for (std::size_t offset = 0; offset < content.size(); offset += kNvPiece) {
    const ByteView left = content.subspan(offset);
    TPM2B_MAX_NV_BUFFER piece{};
    Fill(piece, piece.buffer, left.first(std::min<std::size_t>(kNvPiece, left.size())));
    code = Esys_NV_Write(esys, ESYS_TR_RH_OWNER, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &piece,
                         static_cast<std::uint16_t>(offset));
    if (code != TSS2_RC_SUCCESS) return Unavailable("NV_Write", code);
  }
  return base::Ok();
}

base::Result<Bytes> TpmDevice::CreateAttestationKey() {
  context_->DropAttestationKey();
  Bytes public_area;
  BLINDAI_TRY(context_->attestation_key, context_->CreatePrimary(AttestationKeyTemplate(), public_area));
  context_->attestation_key_is_transient = true;
  return public_area;
}

base::Result<Bytes> TpmDevice::UseAttestationKey(std::uint32_t persistent_handle) {
  ESYS_CONTEXT* esys = context_->esys;
  context_->DropAttestationKey();
  ESYS_TR handle = ESYS_TR_NONE;
  TSS2_RC code =
      Esys_TR_FromTPMPublic(esys, persistent_handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &handle);
  if (code != TSS2_RC_SUCCESS) return Unavailable("ReadPublic", code);
  TPM2B_PUBLIC* key = nullptr;
  code = Esys_ReadPublic(esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &key, nullptr, nullptr);
  const EsysPtr<TPM2B_PUBLIC> owner(key);
  if (code != TSS2_RC_SUCCESS) return Unavailable("ReadPublic", code);
  context_->attestation_key = handle;
  return MarshalToBytes(key->publicArea, Tss2_MU_TPMT_PUBLIC_Marshal);
}

// A TPM gives at most eight values an answer. All of them must be of one state: the counter tells when a PCR changed in
// between.
base::Result<std::vector<TpmPcrValue>> TpmDevice::ReadPcrs(TpmAlgorithm bank, std::uint32_t mask) {
  for (int attempt = 0; attempt < kPcrReadAttempts; ++attempt) {
    std::vector<TpmPcrValue> values;
    std::optional<std::uint32_t> counter;
    std::uint32_t missing = mask;
    bool changed = false;
    while (missing != 0 && !changed) {
      const TPML_PCR_SELECTION wanted = Selection(bank, missing);
      UINT32 update_counter = 0;
      TPML_PCR_SELECTION* read = nullptr;
      TPML_DIGEST* digests = nullptr;
      const TSS2_RC code = Esys_PCR_Read(context_->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &wanted,
                                         &update_counter, &read, &digests);
      const EsysPtr<TPML_PCR_SELECTION> read_owner(read);
      const EsysPtr<TPML_DIGEST> digest_owner(digests);
      if (code != TSS2_RC_SUCCESS) return Unavailable("PCR_Read", code);
      const std::uint32_t answered = MaskOf(*read) & missing;
      if (answered == 0) return Unavailable("PCR_Read of a bank that the TPM does not have", code);
      changed = counter.value_or(update_counter) != update_counter;
      counter = update_counter;
      UINT32 next = 0;
      for (unsigned index = 0; index < evidence::kTpmPcrCount; ++index) {
        if (((answered >> index) & 1) == 0 || next >= digests->count) continue;
        const TPM2B_DIGEST& digest = digests->digests[next++];
        values.push_back({bank, static_cast<std::uint8_t>(index), BytesOf(digest, digest.buffer)});
      }
      missing &= ~answered;
    }
    if (changed) continue;
    std::sort(values.begin(), values.end(),
              [](const auto& one, const auto& other) { return one.index < other.index; });
    return values;
  }
  return base::MakeError(base::ErrorKind::kUnavailable, "attester-unavailable",
                         "TPM: the PCRs change all the time");
}

base::Status TpmDevice::ExtendPcr(std::uint8_t index, TpmAlgorithm bank, ByteView digest) {
  BLINDAI_CHECK(evidence::TpmDigestSize(bank) == digest.size());
  TPML_DIGEST_VALUES values{};
  values.count = 1;
  values.digests[0].hashAlg = static_cast<TPMI_ALG_HASH>(bank);
  std::memcpy(&values.digests[0].digest, digest.data(), digest.size());
  const TSS2_RC code = Esys_PCR_Extend(context_->esys, ESYS_TR_PCR0 + index, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                       ESYS_TR_NONE, &values);
  if (code != TSS2_RC_SUCCESS) return Unavailable("PCR_Extend", code);
  return base::Ok();
}

base::Result<TpmDevice::Quote> TpmDevice::MakeQuote(ByteView nonce, TpmAlgorithm bank, std::uint32_t mask) {
  BLINDAI_CHECK(context_->attestation_key != ESYS_TR_NONE);
  TPM2B_DATA qualifying{};
  Fill(qualifying, qualifying.buffer, nonce);
  TPMT_SIG_SCHEME scheme{};
  scheme.scheme = TPM2_ALG_NULL;
  const TPML_PCR_SELECTION selection = Selection(bank, mask);
  TPM2B_ATTEST* attest = nullptr;
  TPMT_SIGNATURE* signature = nullptr;
  const TSS2_RC code = Esys_Quote(context_->esys, context_->attestation_key, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                  ESYS_TR_NONE, &qualifying, &scheme, &selection, &attest, &signature);
  const EsysPtr<TPM2B_ATTEST> attest_owner(attest);
  const EsysPtr<TPMT_SIGNATURE> signature_owner(signature);
  if (code != TSS2_RC_SUCCESS) return Unavailable("Quote", code);
  return Quote{BytesOf(*attest, attest->attestationData),
               MarshalToBytes(*signature, Tss2_MU_TPMT_SIGNATURE_Marshal)};
}

base::Result<Bytes> TpmDevice::EndorsementKey() {
  Bytes public_area;
  BLINDAI_TRY(const ESYS_TR handle, context_->CreatePrimary(EndorsementKeyTemplate(), public_area));
  Esys_FlushContext(context_->esys, handle);
  return public_area;
}

base::Result<Bytes> TpmDevice::ActivateCredential(ByteView id_object, ByteView encrypted_secret) {
  BLINDAI_CHECK(context_->attestation_key != ESYS_TR_NONE);
  TPM2B_ID_OBJECT credential{};
  TPM2B_ENCRYPTED_SECRET secret{};
  if (id_object.size() > sizeof(credential.credential) || encrypted_secret.size() > sizeof(secret.secret)) {
    return base::Malformed("credential: longer than a TPM takes");
  }
  Fill(credential, credential.credential, id_object);
  Fill(secret, secret.secret, encrypted_secret);
  Bytes public_area;
  BLINDAI_TRY(const ESYS_TR endorsement_key, context_->CreatePrimary(EndorsementKeyTemplate(), public_area));
  auto session = context_->EndorsementSession();
  if (!session.ok()) {
    Esys_FlushContext(context_->esys, endorsement_key);
    return std::move(session).error();
  }
  TPM2B_DIGEST* recovered = nullptr;
  const TSS2_RC code =
      Esys_ActivateCredential(context_->esys, context_->attestation_key, endorsement_key, ESYS_TR_PASSWORD,
                              *session, ESYS_TR_NONE, &credential, &secret, &recovered);
  const EsysPtr<TPM2B_DIGEST> owner(recovered);
  // The TPM ends the session when the command succeeds.
  if (code != TSS2_RC_SUCCESS) Esys_FlushContext(context_->esys, *session);
  Esys_FlushContext(context_->esys, endorsement_key);
  if (code != TSS2_RC_SUCCESS) return Unavailable("ActivateCredential", code);
  return BytesOf(*recovered, recovered->buffer);
}

}  // namespace blindai::attester
