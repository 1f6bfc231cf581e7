#include "attestation/attester/sealing_key.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <thread>

#include "attestation/attester/sev_guest.h"
#include "base/byte_reader.h"
#include "crypto/hkdf.h"
#include "crypto/random.h"

namespace blindai::attester {
namespace {

using base::ErrorKind;
using base::Result;

constexpr std::size_t kSgxKeyBytes = 16;
constexpr std::chrono::milliseconds kBetweenTries{2};
constexpr std::chrono::seconds kPatience{10};

base::Error Unavailable(std::string why) {
  return base::MakeError(ErrorKind::kUnavailable, "sealing-key-unavailable",
                         "the platform's sealing key " + std::move(why));
}

base::Error FileError(std::string why) {
  return base::MakeError(ErrorKind::kUnavailable, "sealing-key-file",
                         "the key file of the simulation " + std::move(why));
}

// A file, or a folder, that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  const int fd_;
};

// Nothing when there is no file.
Result<std::optional<base::SecretBytes>> ReadKeyFile(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.ok() && errno == ENOENT) return std::optional<base::SecretBytes>();
  if (!file.ok()) return FileError(fmt::format("cannot be opened (errno {})", errno));
  struct stat about {};
  if (fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode) || (about.st_mode & 077) != 0) {
    return FileError("must be a plain file that only its owner can read (mode 0600)");
  }
  // One byte more than a key has, to see that it ends there.
  base::SecretBytes content(kSealingKeyBytes + 1);
  const ssize_t got = read(file.get(), content.ExposeSecretForWriting().data(), content.size());
  if (got != static_cast<ssize_t>(kSealingKeyBytes)) {
    return FileError(fmt::format("does not have {} bytes", kSealingKeyBytes));
  }
  return std::optional(base::SecretBytes::CopyOf(content.ExposeSecret().first(kSealingKeyBytes)));
}

// Complete or not at all, whenever the power fails.
base::Status WriteKeyFile(const std::string& path, const base::SecretBytes& key) {
  const std::string unfinished = path + ".new";
  unlink(unfinished.c_str());
  {
    const Descriptor file(open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    const base::ByteView bytes = key.ExposeSecret();
    if (!file.ok() || write(file.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) ||
        fsync(file.get()) != 0) {
      return FileError(fmt::format("cannot be written (errno {})", errno));
    }
  }
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const Descriptor directory(open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (rename(unfinished.c_str(), path.c_str()) != 0 || !directory.ok() || fsync(directory.get()) != 0) {
    return FileError(fmt::format("cannot be put in its place (errno {})", errno));
  }
  return base::Ok();
}

}  // namespace

SealingKey SealingKeyFrom(base::ByteView secret, std::string_view source) {
  const std::string info = "blindai sealing key 1 " + std::string(source);
  return {crypto::Hkdf(crypto::HashAlgorithm::kSha256, secret, {}, base::AsBytes(info), kSealingKeyBytes),
          source};
}

Result<SealingKey> GramineSealingKey(DeviceFiles& files, SealTo to, const std::string& root) {
  const bool by_signer = to == SealTo::kSigner;
  base::Bytes key;
  const int error =
      files.Read(root + (by_signer ? "/keys/_sgx_mrsigner" : "/keys/_sgx_mrenclave"), kSgxKeyBytes, key);
  const base::SecretBytes secret(std::move(key));
  if (error == ENOENT || error == ENOTDIR)
    return Unavailable("is not there: this Gramine is older than 1.5, or runs without SGX");
  if (error != 0) return Unavailable(fmt::format("cannot be read from Gramine (errno {})", error));
  if (secret.size() != kSgxKeyBytes)
    return Unavailable(fmt::format("has {} bytes, wanted {}", secret.size(), kSgxKeyBytes));
  return SealingKeyFrom(secret.ExposeSecret(), by_signer ? "sgx-mrsigner" : "sgx-mrenclave");
}

Result<SealingKey> SevSealingKey(DeviceControl& device) {
  // Not the image and family id: whoever starts a guest chooses them. The privilege level is the highest, so that code
  // on a lower one cannot ask for the same key.
  sev_guest::DerivedKeyRequest question;
  question.guest_field_select = sev_guest::kMixGuestPolicy | sev_guest::kMixMeasurement;
  base::SecretBytes response(sev_guest::kDerivedKeyResponseBytes);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    sev_guest::Request request;
    request.request_address = reinterpret_cast<std::uint64_t>(&question);
    request.response_address = reinterpret_cast<std::uint64_t>(response.ExposeSecretForWriting().data());
    const int error = device.Call(sev_guest::kGetDerivedKey, &request);
    if (error == 0) break;
    const bool transient =
        error == EINTR || error == EAGAIN || error == EBUSY || request.vmm_error == sev_guest::kVmmBusy;
    if (!transient || std::chrono::steady_clock::now() > deadline) {
      return Unavailable(fmt::format("is refused by the SEV firmware (errno {}, firmware error {})", error,
                                     request.firmware_error));
    }
    std::this_thread::sleep_for(kBetweenTries);
  }
  base::ByteReader reader(response.ExposeSecret());
  BLINDAI_TRY(const std::uint32_t status, reader.U32("status"));
  if (status != 0) return Unavailable(fmt::format("is refused by the SEV firmware (status {})", status));
  BLINDAI_RETURN_IF_ERROR(reader.Skip("reserved", 28));
  BLINDAI_TRY(const base::ByteView key, reader.Take("key", 32));
  const bool is_zero = std::ranges::all_of(key, [](std::uint8_t byte) { return byte == 0; });
  if (is_zero) return Unavailable("is all zeros: the device did not fill it in");
  return SealingKeyFrom(key, "snp-measurement");
}

Result<SealingKey> SoftwareSealingKey(const std::string& path) {
  BLINDAI_TRY(const std::optional<base::SecretBytes> found, ReadKeyFile(path));
  if (found) return SealingKeyFrom(found->ExposeSecret(), "software-file");
  const base::SecretBytes made = crypto::RandomSecret(kSealingKeyBytes);
  BLINDAI_RETURN_IF_ERROR(WriteKeyFile(path, made));
  return SealingKeyFrom(made.ExposeSecret(), "software-file");
}

}  // namespace blindai::attester
