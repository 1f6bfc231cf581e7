// The values that hardware reports and that a policy compares, each a type of its own: a launch measurement
// cannot be passed where a signer or report data is wanted, and a value of another length cannot be made at
// all.
#pragma once

#include "base/bytes.h"

namespace blindai::evidence {

// SGX (SHA-256).
using MrEnclave = base::FixedBytes<32, struct MrEnclaveTag>;  // what the enclave is
using MrSigner = base::FixedBytes<32, struct MrSignerTag>;    // whose key signed it
using SgxConfigId = base::FixedBytes<64, struct SgxConfigIdTag>;
using SgxExtendedProductId = base::FixedBytes<16, struct SgxExtendedProductIdTag>;
using SgxFamilyId = base::FixedBytes<16, struct SgxFamilyIdTag>;

// TDX (SHA-384).
using Mrtd = base::FixedBytes<48, struct MrtdTag>;      // the virtual machine at launch
using Rtmr = base::FixedBytes<48, struct RtmrTag>;      // a register extended at run time
using MrSeam = base::FixedBytes<48, struct MrSeamTag>;  // the TDX module
using MrSignerSeam = base::FixedBytes<48, struct MrSignerSeamTag>;
using TdConfigId = base::FixedBytes<48, struct TdConfigIdTag>;        // MRCONFIGID
using TdOwner = base::FixedBytes<48, struct TdOwnerTag>;              // MROWNER
using TdOwnerConfig = base::FixedBytes<48, struct TdOwnerConfigTag>;  // MROWNERCONFIG
using MrServiceTd = base::FixedBytes<48, struct MrServiceTdTag>;

// SEV-SNP.
using LaunchMeasurement = base::FixedBytes<48, struct LaunchMeasurementTag>;  // MEASUREMENT, SHA-384
using HostData = base::FixedBytes<32, struct HostDataTag>;
using IdKeyDigest = base::FixedBytes<48, struct IdKeyDigestTag>;  // also AUTHOR_KEY_DIGEST
using SnpFamilyId = base::FixedBytes<16, struct SnpFamilyIdTag>;
using SnpImageId = base::FixedBytes<16, struct SnpImageIdTag>;
using ChipId = base::FixedBytes<64, struct ChipIdTag>;  // Turin: eight bytes, the rest zero

// PCRs of a TPM by bank, and of Nitro (SHA-384).
using PcrSha256 = base::FixedBytes<32, struct PcrSha256Tag>;
using PcrSha384 = base::FixedBytes<48, struct PcrSha384Tag>;

// Platforms, for allow-lists.
using Ppid = base::FixedBytes<16, struct PpidTag>;  // SGX and TDX, in the PCK certificate
using PlatformInstanceId =
    base::FixedBytes<16, struct PlatformInstanceIdTag>;         // the same, of platform CA leafs
using SpkiSha256 = base::FixedBytes<32, struct SpkiSha256Tag>;  // a public key, by its digest

// The simulated kind.
using SimulatedMeasurement = base::FixedBytes<48, struct SimulatedMeasurementTag>;

}  // namespace blindai::evidence
