// Where `blindai login` keeps an API key, and where a client finds it again: the system's keyring, when a Secret
// Service (freedesktop.org) is running for this user, else the configuration file, which only its owner can read. The
// keyring is reached through libsecret's own program `secret-tool`; keys go through pipes and never stand on a command
// line.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace blindai::client {

class Keyring {
 public:
  // The user's. `tool` is the program, found in PATH.
  explicit Keyring(std::string tool = "secret-tool") : tool_(std::move(tool)) {}

  // False when there is no keyring, it stays locked, or it does not give back what was stored.
  bool Store(const std::string& place, const base::SecretBytes& key) const;
  std::optional<std::string> Find(const std::string& place) const;
  void Forget(const std::string& place) const;

 private:
  std::string tool_;
};

// What the configuration file holds (settings.h describes it).
struct StoredSettings {
  std::optional<std::string> addr = {};
  std::optional<std::string> directory = {};
  std::optional<std::string> directory_ca = {};
  std::optional<std::string> policy = {};
  std::optional<std::string> api_key = {};  // in the file itself
  bool key_in_keyring = false;
};

// Nothing when there is no file. Code: settings-file.
base::Result<std::optional<StoredSettings>> ReadStoredSettings(const std::string& path);
// Replaces the file in one step; mode 0600, its folder 0700. Code: settings-file (it cannot be written).
base::Status WriteStoredSettings(const std::string& path, const StoredSettings& settings);

}  // namespace blindai::client
