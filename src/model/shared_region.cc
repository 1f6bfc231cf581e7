#include "model/shared_region.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "base/secret.h"

#ifndef F_SEAL_FUTURE_WRITE  // linux/fcntl.h, since Linux 5.1
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

namespace blindai::model {
namespace {

base::Error OutOfMemory() {
  return base::MakeError(base::ErrorKind::kExhausted, "out-of-memory",
                         "the server has no memory left for these tensors");
}

}  // namespace

base::Result<Mapping> Mapping::Map(int fd, std::uint64_t bytes, bool writable) {
  void* at = mmap(nullptr, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) return OutOfMemory();
  // A core file of the server must not hold what people sent, whatever else is configured.
  madvise(at, bytes, MADV_DONTDUMP);
  Mapping mapping;
  mapping.bytes_ = {static_cast<std::uint8_t*>(at), bytes};
  return mapping;
}

Mapping::~Mapping() {
  if (!bytes_.empty()) munmap(bytes_.data(), bytes_.size());
}

void Mapping::LetGo() const {
  if (!bytes_.empty()) madvise(bytes_.data(), bytes_.size(), MADV_DONTNEED);
}

base::Result<SharedRegion> SharedRegion::Create(std::uint64_t bytes, bool worker_writes) {
  SharedRegion region;
  region.fd_ = memfd_create("blindai-tensors", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (region.fd_ < 0 || ftruncate(region.fd_, static_cast<off_t>(bytes)) != 0) return OutOfMemory();
  BLINDAI_TRY(region.mapping_, Mapping::Map(region.fd_, bytes, true));
  const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | (worker_writes ? 0 : F_SEAL_FUTURE_WRITE);
  if (fcntl(region.fd_, F_ADD_SEALS, seals) != 0) return OutOfMemory();
  return region;
}

SharedRegion::~SharedRegion() {
  if (fd_ >= 0) close(fd_);
}

void SharedRegion::Wipe(std::uint64_t used) {
  base::Wipe(writable().subspan(0, std::min<std::uint64_t>(used, size())));
}

void SharedRegion::Release() {
  // MADV_REMOVE drops the pages of the file itself, for both processes.
  if (size() > 0 && madvise(writable().data(), size(), MADV_REMOVE) != 0) Wipe(size());
}

}  // namespace blindai::model
