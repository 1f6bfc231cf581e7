#include "attestation/attester/gramine.h"

#include <fmt/format.h>

#include <cerrno>
#include <mutex>

namespace blindai::attester {
namespace {

constexpr std::size_t kMaxTypeBytes = 32;
constexpr std::size_t kMaxQuoteBytes = 64 * 1024;

base::Error Unavailable(const std::string& why) {
  return base::MakeError(base::ErrorKind::kUnavailable, "attester-unavailable",
                         "Gramine's attestation " + why);
}

}  // namespace

base::Result<std::unique_ptr<GramineAttester>> GramineAttester::Open(std::unique_ptr<DeviceFiles> files,
                                                                     std::string root) {
  base::Bytes type;
  const int error = files->Read(root + "/attestation_type", kMaxTypeBytes, type);
  if (error == ENOENT || error == ENOTDIR) {
    return base::MakeError(base::ErrorKind::kUnavailable, "no-device",
                           "this process does not run inside Gramine");
  }
  if (error != 0) return Unavailable(fmt::format("cannot be asked for its type (errno {})", error));
  std::string_view name = base::AsText(type);
  while (!name.empty() && (name.back() == '\n' || name.back() == '\0')) name.remove_suffix(1);
  if (name != "dcap")
    return Unavailable("is not of type dcap; set sgx.remote_attestation = \"dcap\" in the Gramine manifest");
  return std::unique_ptr<GramineAttester>(new GramineAttester(std::move(files), std::move(root)));
}

base::Result<evidence::EvidenceBundle> GramineAttester::Attest(const evidence::ReportData& report_data,
                                                               Deadline) {
  // Of the process, like the files: another attester would write between our write and our read.
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  if (const int error = files_->Write(root_ + "/user_report_data", report_data.view()); error != 0) {
    return Unavailable(fmt::format("did not take the report data (errno {})", error));
  }
  evidence::EvidenceBundle bundle{kind(), {}, {}};
  if (const int error = files_->Read(root_ + "/quote", kMaxQuoteBytes, bundle.evidence); error != 0) {
    return Unavailable(fmt::format("gave no quote (errno {})", error));
  }
  if (bundle.evidence.empty()) return Unavailable("gave an empty quote");
  return bundle;
}

}  // namespace blindai::attester
