#include "attestation/attester/configfs_tsm.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <optional>
#include <thread>
#include <utility>

#include "attestation/attester/snp_bundle.h"

namespace blindai::attester {
namespace {

using base::Result;

constexpr std::size_t kMaxTextBytes = 64;
constexpr std::size_t kMaxEvidence = 64 * 1024;
constexpr std::size_t kMaxCertificateTable = 256 * 1024;
constexpr std::chrono::milliseconds kBetweenTries{2};

base::Error Unavailable(std::string_view step, int error_number) {
  return base::MakeError(
      base::ErrorKind::kUnavailable, "attester-unavailable",
      fmt::format("configfs-tsm failed at {} (errno {}); the platform may be busy, try again", step,
                  error_number));
}

// Worth another try: the wait was interrupted, somebody else's write came in between, the quote service was slow.
bool IsTransient(int error_number) {
  return error_number == EINTR || error_number == EBUSY || error_number == EAGAIN ||
         error_number == ETIMEDOUT;
}

// A directory of ours below the root, gone when this dies.
class Entry {
 public:
  Entry(DeviceFiles& files, std::string path)
      : files_(files), path_(std::move(path)), error_(files.MakeDirectory(path_)) {}
  ~Entry() {
    if (error_ == 0) files_.RemoveDirectory(path_);
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  int error() const { return error_; }
  int Write(const char* name, base::ByteView bytes) { return files_.Write(path_ + "/" + name, bytes); }
  int Read(const char* name, std::size_t max_bytes, base::Bytes& out) {
    return files_.Read(path_ + "/" + name, max_bytes, out);
  }
  std::optional<std::uint64_t> Generation() {
    base::Bytes text;
    if (Read("generation", kMaxTextBytes, text) != 0) return std::nullopt;
    std::uint64_t number = 0;
    const std::string_view view = base::AsText(text);
    const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), number);
    if (error != std::errc() || (end != view.data() + view.size() && *end != '\n')) return std::nullopt;
    return number;
  }

 private:
  DeviceFiles& files_;
  const std::string path_;
  const int error_;
};

struct Blobs {
  base::Bytes out;
  base::Bytes aux;
};

// One question and its answer. Nothing when somebody else's write came in between.
Result<std::optional<Blobs>> AskOnce(Entry& entry, const evidence::ReportData& report_data) {
  const std::optional<std::uint64_t> before = entry.Generation();
  if (!before) return Unavailable("generation", EIO);
  const auto check = [](const char* step, int error_number) -> Result<bool> {
    if (error_number == 0) return true;
    if (IsTransient(error_number)) return false;
    return Unavailable(step, error_number);
  };
  BLINDAI_TRY(const bool wrote, check("inblob", entry.Write("inblob", report_data.view())));
  if (!wrote) return std::optional<Blobs>();
  Blobs blobs;
  BLINDAI_TRY(const bool read, check("outblob", entry.Read("outblob", kMaxEvidence, blobs.out)));
  if (!read) return std::optional<Blobs>();
  // Absent or empty where the host hands out no certificates.
  if (entry.Read("auxblob", kMaxCertificateTable, blobs.aux) != 0) blobs.aux.clear();
  if (entry.Generation() != *before + 1) return std::optional<Blobs>();
  return std::optional<Blobs>(std::move(blobs));
}

std::string EntryPath(const std::string& root, std::uint64_t number) {
  return fmt::format("{}/blindai-{}-{}", root, getpid(), number);
}

}  // namespace

Result<std::unique_ptr<ConfigfsTsmAttester>> ConfigfsTsmAttester::Open(std::unique_ptr<DeviceFiles> files,
                                                                       std::string root) {
  std::optional<evidence::TeeKind> kind;
  {
    Entry entry(*files, EntryPath(root, 0));
    if (entry.error() == ENOENT || entry.error() == ENXIO || entry.error() == ENOTDIR) {
      return base::MakeError(base::ErrorKind::kUnavailable, "no-device", "this machine has no configfs-tsm");
    }
    if (entry.error() != 0) return Unavailable("mkdir", entry.error());
    base::Bytes provider;
    if (const int error = entry.Read("provider", kMaxTextBytes, provider); error != 0)
      return Unavailable("provider", error);
    const std::string_view name = base::AsText(provider);
    if (name == "sev_guest\n" || name == "sev_guest") kind = evidence::TeeKind::kSnp;
    if (name == "tdx_guest\n" || name == "tdx_guest") kind = evidence::TeeKind::kTdx;
  }
  if (!kind) {
    return base::MakeError(base::ErrorKind::kUnsupported, "attester-unavailable",
                           "configfs-tsm speaks for hardware that this version does not know");
  }
  return std::unique_ptr<ConfigfsTsmAttester>(
      new ConfigfsTsmAttester(std::move(files), std::move(root), *kind));
}

ConfigfsTsmAttester::ConfigfsTsmAttester(std::unique_ptr<DeviceFiles> files, std::string root,
                                         evidence::TeeKind kind)
    : files_(std::move(files)), root_(std::move(root)), kind_(kind) {}

Result<evidence::EvidenceBundle> ConfigfsTsmAttester::Attest(const evidence::ReportData& report_data,
                                                             Deadline deadline) {
  const std::lock_guard lock(mutex_);
  while (std::chrono::steady_clock::now() < deadline) {
    Entry entry(*files_, EntryPath(root_, ++entries_made_));
    if (entry.error() != 0) return Unavailable("mkdir", entry.error());
    BLINDAI_TRY(const std::optional<Blobs> blobs, AskOnce(entry, report_data));
    if (!blobs) {
      std::this_thread::sleep_for(kBetweenTries);
      continue;
    }
    if (kind_ == evidence::TeeKind::kSnp) return MakeSnpBundle(blobs->out, blobs->aux);
    return evidence::EvidenceBundle{kind_, blobs->out, {}};
  }
  return base::MakeError(base::ErrorKind::kUnavailable, "attester-deadline",
                         "the platform gave no evidence in time; try again");
}

}  // namespace blindai::attester
