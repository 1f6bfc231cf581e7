#include "vocabulary/version_policy.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace blindai::vocabulary {
namespace {

constexpr std::size_t kMaxLabelBytes = 32;

base::Error WrongPolicy() {
  return base::MakeError(
      base::ErrorKind::kInvalid, "version-policy",
      "versions wants latest, latest:N (the newest N), specific:1,3 (those numbers) or all, of up to 1024",
      "versions");
}

base::Result<VersionPolicy> ParseSpecific(std::string_view text) {
  VersionPolicy policy{.kind = VersionPolicy::Kind::kSpecific};
  while (true) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::uint64_t number = VersionNumber(text.substr(0, comma));
    if (number == 0 || policy.specific.size() == kMaxPolicyVersions) return WrongPolicy();
    policy.specific.push_back(number);
    if (comma == text.size()) break;
    text.remove_prefix(comma + 1);
  }
  std::ranges::sort(policy.specific);
  policy.specific.erase(std::unique(policy.specific.begin(), policy.specific.end()), policy.specific.end());
  return policy;
}

}  // namespace

base::Result<VersionPolicy> VersionPolicy::Parse(std::string_view text) {
  constexpr std::string_view kLatestPrefix = "latest:";
  constexpr std::string_view kSpecificPrefix = "specific:";
  if (text == "latest") return VersionPolicy{};
  if (text == "all") return VersionPolicy{.kind = Kind::kAll};
  if (text.starts_with(kSpecificPrefix)) return ParseSpecific(text.substr(kSpecificPrefix.size()));
  if (!text.starts_with(kLatestPrefix)) return WrongPolicy();
  const std::uint64_t count = VersionNumber(text.substr(kLatestPrefix.size()));
  if (count == 0 || count > kMaxPolicyVersions) return WrongPolicy();
  return VersionPolicy{.latest = static_cast<std::uint32_t>(count)};
}

std::string VersionPolicy::ToText() const {
  if (kind == Kind::kAll) return "all";
  if (kind == Kind::kLatest) return "latest:" + std::to_string(latest);
  std::string text = "specific:";
  for (const std::uint64_t number : specific) {
    if (number != specific.front()) text += ',';
    text += std::to_string(number);
  }
  return text;
}

bool IsVersionLabel(std::string_view text) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_word = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-'; };
  return !text.empty() && text.size() <= kMaxLabelBytes && is_letter(text.front()) &&
         std::ranges::all_of(text, is_word);
}

std::uint64_t VersionNumber(std::string_view text) {
  if (text.empty() || text.size() > kMaxVersionDigits || text.front() == '0') return 0;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

std::vector<std::uint64_t> VersionsThatGo(const VersionPolicy& policy, const VersionLabels& labels,
                                          std::span<const std::uint64_t> versions) {
  const std::size_t newest = std::min<std::size_t>(policy.latest, versions.size());
  const auto is_served = [&](std::uint64_t number) {
    switch (policy.kind) {
      case VersionPolicy::Kind::kAll:
        return true;
      case VersionPolicy::Kind::kSpecific:
        return std::ranges::binary_search(policy.specific, number);
      case VersionPolicy::Kind::kLatest:
        return newest > 0 && number >= versions[versions.size() - newest];
    }
    return false;
  };
  std::vector<std::uint64_t> going;
  for (const std::uint64_t number : versions) {
    const bool is_labelled = std::ranges::any_of(labels, [&](const auto& l) { return l.second == number; });
    if (!is_served(number) && !is_labelled) going.push_back(number);
  }
  return going;
}

}  // namespace blindai::vocabulary
