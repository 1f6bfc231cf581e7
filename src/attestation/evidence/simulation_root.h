// The root of simulated evidence, an Ed25519 key pair.
//
// *** THE PRIVATE KEY BELOW IS PUBLIC ON PURPOSE. ***
//
// Everybody who has this source can sign simulated evidence, and that is the point: simulation shows how the
// product works on any laptop and proves nothing about any machine. No policy accepts what this key signs, no
// anchor of a vendor is this key (a test compares them), and nothing secret may ever depend on it. It is not
// a leaked credential: please do not report it, and never use it for anything else.
//
// The seed is SHA-256("blindai simulation root: everybody has this key, it proves nothing").
#pragma once

#include <array>
#include <cstdint>

namespace blindai::evidence {

inline constexpr std::array<std::uint8_t, 32> kSimulationRootPublicKey = {
    0x41, 0xe3, 0x6c, 0x0c, 0x7c, 0x04, 0xd5, 0x55, 0x6d, 0x43, 0xa6, 0x7f, 0x51, 0x89, 0xdc, 0xbd,
    0x95, 0x40, 0x6c, 0x79, 0x77, 0xab, 0x90, 0x34, 0x16, 0x6d, 0x58, 0x38, 0xd3, 0xb4, 0xae, 0x23};

// RFC 8032 seed; public on purpose, see above.
inline constexpr std::array<std::uint8_t, 32> kSimulationRootPublishedPrivateKey = {
    0x35, 0x92, 0x01, 0x94, 0xbf, 0xeb, 0x1e, 0x95, 0xb1, 0xc3, 0xb8, 0xf2, 0xf5, 0xb2, 0x36, 0xce,
    0xc2, 0xe3, 0x3f, 0x7f, 0xfb, 0x7f, 0x41, 0xe5, 0xd3, 0x9d, 0x72, 0x1a, 0xa7, 0xd7, 0xf1, 0xce};

}  // namespace blindai::evidence
