#include "support/swtpm.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <utility>
#include <vector>

#include "support/paths.h"

extern char** environ;

namespace blindai::tests {
namespace {

namespace fs = std::filesystem;

// Runs a program to its end, quietly; true when it was there and succeeded.
bool Run(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", 1, 0);
  posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", 1, 0);
  pid_t pid = 0;
  const int failed = posix_spawnp(&pid, arguments[0], &quiet, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&quiet);
  if (failed != 0) return false;
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool Manufacture(const fs::path& folder) {
  const std::string ca = (folder / "ca").string();
  std::ofstream(folder / "localca.conf")
      << "statedir = " << ca << "\nsigningkey = " << ca << "/signkey.pem\nissuercert = " << ca
      << "/issuercert.pem\ncertserial = " << ca << "/certserial\n";
  std::ofstream(folder / "localca.options")
      << "--platform-manufacturer test\n--platform-version 1\n--platform-model test\n";
  std::ofstream(folder / "setup.conf")
      << "create_certs_tool = swtpm_localca\ncreate_certs_tool_config = "
      << (folder / "localca.conf").string()
      << "\ncreate_certs_tool_options = " << (folder / "localca.options").string() << "\n";
  fs::create_directories(folder / "ca");
  return Run({"swtpm_setup", "--tpm2", "--tpmstate", (folder / "state").string(), "--config",
              (folder / "setup.conf").string(), "--create-ek-cert", "--pcr-banks", "sha256"});
}

}  // namespace

std::optional<Swtpm> Swtpm::Start(bool manufacture) {
  // Socket paths are short, so the folder is not in the build tree.
  std::string name = (fs::temp_directory_path() / "blindai-swtpm-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) return std::nullopt;
  Swtpm tpm{fs::path(name)};
  fs::create_directories(tpm.folder_ / "state");
  if (manufacture && !Manufacture(tpm.folder_)) return std::nullopt;
  // As a daemon it returns when it listens, so that nobody has to wait and see.
  const fs::path pid_file = tpm.folder_ / "pid";
  const std::string socket = (tpm.folder_ / "s").string();
  if (!Run({"swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + (tpm.folder_ / "state").string(), "--server",
            "type=unixio,path=" + socket, "--ctrl", "type=unixio,path=" + socket + ".ctrl", "--flags",
            "not-need-init,startup-clear", "--daemon", "--pid", "file=" + pid_file.string()})) {
    return std::nullopt;
  }
  std::ifstream(pid_file) >> tpm.pid_;
  return tpm;
}

Swtpm::Swtpm(Swtpm&& other) noexcept
    : folder_(std::exchange(other.folder_, {})), pid_(std::exchange(other.pid_, 0)) {}

Swtpm::~Swtpm() {
  if (pid_ > 0) kill(pid_, SIGTERM);
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

std::string Swtpm::tcti() const { return "swtpm:path=" + (folder_ / "s").string(); }

bool Swtpm::DefineNv(std::uint32_t index, base::ByteView content, bool by_owner) const {
  TSS2_TCTI_CONTEXT* connection = nullptr;
  ESYS_CONTEXT* esys = nullptr;
  ESYS_TR handle = ESYS_TR_NONE;
  TPM2B_NV_PUBLIC area{};
  area.nvPublic.nvIndex = index;
  area.nvPublic.nameAlg = TPM2_ALG_SHA256;
  area.nvPublic.attributes = TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD | (by_owner ? 0 : TPMA_NV_AUTHREAD);
  area.nvPublic.dataSize = static_cast<UINT16>(content.size());
  const TPM2B_AUTH no_auth{};
  bool good = Tss2_TctiLdr_Initialize(tcti().c_str(), &connection) == TSS2_RC_SUCCESS &&
              Esys_Initialize(&esys, connection, nullptr) == TSS2_RC_SUCCESS &&
              Esys_NV_DefineSpace(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                  &no_auth, &area, &handle) == TSS2_RC_SUCCESS;
  for (std::size_t offset = 0; good && offset < content.size(); offset += 512) {
    TPM2B_MAX_NV_BUFFER piece{};
    piece.size = static_cast<UINT16>(std::min<std::size_t>(512, content.size() - offset));
    std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(offset), piece.size, piece.buffer);
    good = Esys_NV_Write(esys, ESYS_TR_RH_OWNER, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &piece,
                         static_cast<UINT16>(offset)) == TSS2_RC_SUCCESS;
  }
  if (esys != nullptr) Esys_Finalize(&esys);
  if (connection != nullptr) Tss2_TctiLdr_Finalize(&connection);
  return good;
}

std::optional<base::Bytes> Swtpm::PersistSigningKey(std::uint32_t persistent_handle) const {
  TSS2_TCTI_CONTEXT* connection = nullptr;
  ESYS_CONTEXT* esys = nullptr;
  ESYS_TR handle = ESYS_TR_NONE;
  ESYS_TR persistent = ESYS_TR_NONE;
  TPM2B_PUBLIC key{};
  TPMT_PUBLIC& area = key.publicArea;
  area.type = TPM2_ALG_RSA;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                          TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT;
  area.parameters.rsaDetail.symmetric.algorithm = TPM2_ALG_NULL;
  area.parameters.rsaDetail.scheme.scheme = TPM2_ALG_RSASSA;
  area.parameters.rsaDetail.scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
  area.parameters.rsaDetail.keyBits = 2048;
  const TPM2B_SENSITIVE_CREATE sensitive{};
  const TPM2B_DATA outside{};
  const TPML_PCR_SELECTION no_pcrs{};
  TPM2B_PUBLIC* made = nullptr;
  const bool good = Tss2_TctiLdr_Initialize(tcti().c_str(), &connection) == TSS2_RC_SUCCESS &&
                    Esys_Initialize(&esys, connection, nullptr) == TSS2_RC_SUCCESS &&
                    Esys_CreatePrimary(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                       &sensitive, &key, &outside, &no_pcrs, &handle, &made, nullptr, nullptr,
                                       nullptr) == TSS2_RC_SUCCESS &&
                    Esys_EvictControl(esys, ESYS_TR_RH_OWNER, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                      ESYS_TR_NONE, persistent_handle, &persistent) == TSS2_RC_SUCCESS;
  std::optional<base::Bytes> modulus;
  if (good) {
    const TPM2B_PUBLIC_KEY_RSA& rsa = made->publicArea.unique.rsa;
    modulus.emplace(rsa.buffer, rsa.buffer + rsa.size);
  }
  if (made != nullptr) Esys_Free(made);
  if (handle != ESYS_TR_NONE) Esys_FlushContext(esys, handle);
  if (esys != nullptr) Esys_Finalize(&esys);
  if (connection != nullptr) Tss2_TctiLdr_Finalize(&connection);
  return modulus;
}

base::Bytes Swtpm::CaCertificates() const {
  base::Bytes all = ReadFile(folder_ / "ca" / "issuercert.pem");
  const base::Bytes root = ReadFile(folder_ / "ca" / "swtpm-localca-rootca-cert.pem");
  all.insert(all.end(), root.begin(), root.end());
  return all;
}

}  // namespace blindai::tests
