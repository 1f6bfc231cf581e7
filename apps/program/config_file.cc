#include "program/config_file.h"

#include <charconv>
#include <fstream>
#include <numeric>

namespace blindai::program {
namespace {

using base::ErrorKind;
using base::MakeError;

// A configuration is a page of text; more is a mistake in the file's name.
constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;

// The number of single-letter changes between two words.
std::size_t EditDistance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= left.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const std::size_t changed = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, changed}));
    }
  }
  return row.back();
}

}  // namespace

base::Error BadValue(std::string wanted) {
  return MakeError(ErrorKind::kInvalid, "config-value", "wanted " + std::move(wanted));
}

base::Result<std::vector<std::string>> TextList(const toml::node& node, std::string wanted) {
  const toml::array* const array = node.as_array();
  if (array == nullptr) return BadValue(std::move(wanted));
  std::vector<std::string> texts;
  for (const toml::node& element : *array) {
    const auto text = element.value_exact<std::string>();
    if (!text || text->empty()) return BadValue(std::move(wanted));
    texts.push_back(*text);
  }
  return texts;
}

std::string FullName(std::string_view table, std::string_view name) {
  return table.empty() ? std::string(name) : fmt::format("{}.{}", table, name);
}

base::Error UnknownKey(std::string_view table, std::string_view name, std::span<const std::string> known,
                       std::string_view page) {
  const std::string seen = FullName(table, name);
  const std::string* best = nullptr;
  std::size_t best_distance = 4;
  for (const std::string& candidate : known) {
    // The right name in the wrong table is the commonest slip, however far the spelling.
    const bool same_name = candidate == name || candidate.ends_with("." + std::string(name));
    const std::size_t distance = same_name ? 1 : EditDistance(seen, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = &candidate;
    }
  }
  const std::string hint = best == nullptr ? fmt::format("; every key is described in {}", page)
                                           : fmt::format("; did you mean '{}'?", *best);
  return MakeError(ErrorKind::kInvalid, "config-key", fmt::format("unknown key '{}'{}", seen, hint));
}

base::Error AtLine(std::string_view source, std::uint32_t line, base::Error error) {
  return std::move(error).Within(fmt::format("{} line {}", source, line));
}

base::Result<std::string> ReadConfigFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxConfigBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (!file.eof() && file.fail())) {
    return MakeError(ErrorKind::kNotFound, "config-file",
                     "the file that --config names cannot be read: " + path);
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaxConfigBytes) {
    return MakeError(ErrorKind::kTooLarge, "config-file",
                     "the file that --config names is larger than 1 MiB: " + path);
  }
  return text;
}

base::Result<ListenAddress> ParseListenAddress(std::string_view text) {
  const auto refuse = [&] {
    return MakeError(
        ErrorKind::kInvalid, "config-address",
        fmt::format("seen '{}', wanted address:port as in 127.0.0.1:8443 or [::1]:8443", text.substr(0, 80)));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse();
  std::string_view host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return refuse();
  }
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (host.empty() || digits.empty() || error != std::errc() || end != digits.data() + digits.size())
    return refuse();
  return ListenAddress{std::string(host), port};
}

std::string AddressText(const ListenAddress& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", address.host, address.port)
            : fmt::format("{}:{}", address.host, address.port);
}

base::Status RequireLoopback(const ListenAddress& address) {
  if (address.host == "127.0.0.1" || address.host == "::1") return base::Ok();
  return MakeError(
      ErrorKind::kInvalid, "config-address",
      "the admin port speaks plain HTTP and is for this machine only: wanted 127.0.0.1 or [::1], seen " +
          AddressText(address));
}

}  // namespace blindai::program
