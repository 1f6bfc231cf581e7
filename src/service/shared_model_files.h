// The files of models that are in memory: the same bytes of one tenant are there once, whichever of its models serve
// them. Never across tenants: that somebody else has the same file must not show in memory or time.
//
// It keeps no file alive. Any thread may call.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "model/model_file.h"

namespace blindai::service {

class SharedModelFiles {
 public:
  // The tenant's file with this SHA-256 (64 lower-case hex digits) that something holds; null: none.
  std::shared_ptr<model::ModelFile> Find(const std::string& tenant, const std::string& sha256) const;
  // The file to hold in the place of this one, which is sealed (CHECK): the tenant's with the same bytes that something
  // holds already, else this one.
  std::shared_ptr<model::ModelFile> Share(const std::string& tenant, std::shared_ptr<model::ModelFile> file);

 private:
  using Key = std::pair<std::string, std::string>;  // tenant, SHA-256
  mutable std::mutex mutex_;
  std::map<Key, std::weak_ptr<model::ModelFile>> files_;
};

}  // namespace blindai::service
