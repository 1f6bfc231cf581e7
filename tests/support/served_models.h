// A catalogue with real workers for tests of endpoints; ends every worker when it dies.
#pragma once

#include <atomic>
#include <future>
#include <utility>

#include "net/http_message.h"
#include "service/model_catalogue.h"
#include "service/upload_model.h"
#include "support/paths.h"

namespace blindai::tests {

class ServedModels {
 public:
  explicit ServedModels(service::ChargeLimits charges = {})
      : catalogue_({.now =
                        [this] {
                          ++lookups_;
                          return base::Now();
                        },
                    .charges = std::move(charges)}) {
    upload_.worker.worker_program = ProgramsDir() / "blindai-worker";
  }
  ~ServedModels() {
    for (const auto& served : catalogue_.RemoveAll()) {
      std::promise<void> stopped;
      served->host->Stop([&] { stopped.set_value(); });
      stopped.get_future().wait();
    }
  }
  service::ModelCatalogue& catalogue() { return catalogue_; }
  service::UploadOptions& upload() { return upload_; }
  // How often a model was looked up so far: the catalogue looks at its clock each time.
  int lookups() const { return lookups_; }

 private:
  std::atomic<int> lookups_ = 0;
  service::UploadOptions upload_;
  service::ModelCatalogue catalogue_;
};

inline base::Result<service::Caller> EverybodyMay(const net::RequestHead&) {
  return service::Caller::AnonymousWithAllRights();
}

}  // namespace blindai::tests
