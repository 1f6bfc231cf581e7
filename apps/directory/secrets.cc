#include "directory/secrets.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "crypto/certificate_builder.h"
#include "crypto/random.h"
#include "encoding/hex.h"
#include "service/accounts/postgresql/postgresql_database.h"
#include "service/accounts/session_keys.h"

namespace blindai::directory {
namespace {

using base::ErrorKind;
using base::MakeError;
using base::Result;
using base::Status;

constexpr std::size_t kMaxFileBytes = std::size_t{256} << 10;

// A file descriptor that closes itself.
class File {
 public:
  File(const std::string& path, int flags, mode_t mode = 0)
      : descriptor_(open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }

 private:
  const int descriptor_;
};

Result<base::SecretBytes> ReadSecretFile(const std::string& path) {
  const File file(path, O_RDONLY);
  base::SecretBytes buffer(kMaxFileBytes);
  std::size_t size = 0;
  ssize_t got = file.get() < 0 ? -1 : 1;
  while (got > 0 && size < buffer.size()) {
    got = read(file.get(), buffer.ExposeSecretForWriting().data() + size, buffer.size() - size);
    if (got > 0) size += static_cast<std::size_t>(got);
  }
  if (got < 0 || size == buffer.size() || size == 0) {
    return MakeError(ErrorKind::kInvalid, "config-file", "cannot be read, is empty or is too large: " + path);
  }
  return base::SecretBytes::CopyOf(buffer.ExposeSecret().first(size));
}

Status WriteFile(const std::string& path, base::ByteView bytes, int flags, mode_t mode) {
  const File file(path, O_WRONLY | O_CREAT | flags, mode);
  if (file.get() >= 0 &&
      write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size())) {
    return base::Ok();
  }
  return MakeError(ErrorKind::kInvalid, "config-file", "cannot be written: " + path);
}

Result<Identity> MakeIdentity(const DirectoryConfig& config, base::Time now) {
  crypto::CertificateSpec spec;
  spec.common_name = "blindai-directory";
  spec.dns_names = {"localhost"};
  spec.ip_addresses = {"127.0.0.1", "::1"};
  for (const std::string& name : config.names) {
    const bool is_address =
        name.find_first_not_of("0123456789.") == std::string::npos || name.find(':') != std::string::npos;
    (is_address ? spec.ip_addresses : spec.dns_names).push_back(name);
  }
  spec.not_before = now - std::chrono::hours(1);
  spec.not_after = now + std::chrono::hours(24 * 365);
  crypto::SigningKey key = crypto::SigningKey::GenerateP256();
  BLINDAI_TRY(crypto::Certificate certificate, crypto::MakeSelfSigned(spec, key));
  if (!config.self_signed_file.empty()) {
    BLINDAI_RETURN_IF_ERROR(
        WriteFile(config.self_signed_file, base::AsBytes(certificate.ToPem()), O_TRUNC, 0644)
            .Within("tls.self_signed_file"));
  }
  Identity identity{std::move(key), {}, true};
  identity.certificates.push_back(std::move(certificate));
  return identity;
}

std::string SecretFileOf(const DirectoryConfig& config) {
  return config.secret_file.empty() ? config.database + ".secret" : config.secret_file;
}

}  // namespace

Result<Identity> ReadOrMakeIdentity(const DirectoryConfig& config, base::Time now) {
  if (config.certificate_file.empty()) return MakeIdentity(config, now);
  BLINDAI_TRY(const base::SecretBytes certificates,
              ReadSecretFile(config.certificate_file).Within("tls.certificate_file"));
  BLINDAI_TRY(const base::SecretBytes pem, ReadSecretFile(config.key_file).Within("tls.key_file"));
  BLINDAI_TRY(crypto::SigningKey key, crypto::SigningKey::FromPem(pem));
  BLINDAI_TRY(auto chain, crypto::Certificate::AllFromPem(base::AsText(certificates.ExposeSecret())));
  return Identity{std::move(key), std::move(chain), false};
}

Result<base::SecretBytes> ReadOrMakeSessionSecret(const DirectoryConfig& config) {
  const std::string path = SecretFileOf(config);
  const bool may_make = !accounts::IsPostgresqlUrl(config.database);
  if (may_make && access(path.c_str(), F_OK) != 0) {
    std::string text = encoding::HexEncode(crypto::RandomBytes(accounts::kSessionSecretBytes)) + "\n";
    const Status written = WriteFile(path, base::AsBytes(text), O_EXCL, 0600);
    base::Wipe(text.data(), text.size());
    BLINDAI_RETURN_IF_ERROR(Status(written).Within("sessions.secret_file"));
  }
  BLINDAI_TRY(const base::SecretBytes file, ReadSecretFile(path).Within("sessions.secret_file"));
  std::string_view text = base::AsText(file.ExposeSecret());
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  auto secret = encoding::HexDecode(text);
  if (!secret.ok() || secret->size() != accounts::kSessionSecretBytes) {
    return MakeError(
        ErrorKind::kInvalid, "config-file",
        "sessions.secret_file holds 64 hex digits, as `openssl rand -hex 32` makes them: " + path);
  }
  return base::SecretBytes(*std::move(secret));
}

}  // namespace blindai::directory
