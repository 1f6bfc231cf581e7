#include "service/shared_model_files.h"

#include "base/check.h"

namespace blindai::service {

using model::ModelFile;

std::shared_ptr<ModelFile> SharedModelFiles::Find(const std::string& tenant,
                                                  const std::string& sha256) const {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find({tenant, sha256});
  return found == files_.end() ? nullptr : found->second.lock();
}

std::shared_ptr<ModelFile> SharedModelFiles::Share(const std::string& tenant,
                                                   std::shared_ptr<ModelFile> file) {
  BLINDAI_CHECK(file->sealed());
  const std::lock_guard lock(mutex_);
  std::erase_if(files_, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<ModelFile>& known = files_[{tenant, file->sha256_hex()}];
  if (std::shared_ptr<ModelFile> held = known.lock()) return held;
  known = file;
  return file;
}

}  // namespace blindai::service
