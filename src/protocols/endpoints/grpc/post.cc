#include "protocols/endpoints/grpc/post.h"

#include <grpcpp/alarm.h>

#include <chrono>
#include <memory>
#include <utility>

namespace blindai::endpoints {

void Post(std::function<void()> work) {
  auto alarm = std::make_shared<grpc::Alarm>();
  alarm->Set(std::chrono::system_clock::now(), [alarm, work = std::move(work)](bool) mutable {
    const std::shared_ptr<grpc::Alarm> released = std::move(alarm);
    work();
  });
}

}  // namespace blindai::endpoints
