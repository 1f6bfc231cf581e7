// The versions of one model id: which of them are served beside each other, and the names that point at them. Words
// that the server, its clients and their programs share. Pure.
//
// An upload of an id that one has makes the next version. A policy says which versions stay: the newest n, those that
// are named, or all. A version that a label names stays in any case: who says "stable" shall not lose it by an
// upload of something newer. What does not stay goes in the step that made it so.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace blindai::vocabulary {

struct VersionPolicy {
  enum class Kind : std::uint8_t { kLatest, kSpecific, kAll };

  // "latest" (the newest alone), "latest:2", "specific:1,3" or "all". Up to kMaxPolicyVersions. Code: version-policy.
  static base::Result<VersionPolicy> Parse(std::string_view text);
  // What Parse reads, each policy in one way: "latest:1", "specific:1,3", "all".
  std::string ToText() const;

  friend bool operator==(const VersionPolicy&, const VersionPolicy&) = default;

  Kind kind = Kind::kLatest;
  std::uint32_t latest = 1;                  // of kLatest: how many
  std::vector<std::uint64_t> specific = {};  // of kSpecific: their numbers, ascending
};

inline constexpr std::size_t kMaxPolicyVersions = 1024;
// No number of a version has more digits.
inline constexpr std::size_t kMaxVersionDigits = 18;

// Which version each label names.
using VersionLabels = std::map<std::string, std::uint64_t, std::less<>>;
inline constexpr std::size_t kMaxVersionLabels = 32;

// So a label is never a number.
inline constexpr std::string_view kVersionLabelRule =
    "a label is a lower-case letter and up to 31 of those, digits, '_' and '-'";
bool IsVersionLabel(std::string_view text);
// 1, 2, …; 0: the text is no number of a version.
std::uint64_t VersionNumber(std::string_view text);

// Those of `versions` (ascending) that the policy and the labels no longer serve, ascending.
std::vector<std::uint64_t> VersionsThatGo(const VersionPolicy& policy, const VersionLabels& labels,
                                          std::span<const std::uint64_t> versions);

}  // namespace blindai::vocabulary
