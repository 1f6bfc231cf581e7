// Work for one of gRPC's threads. Model hosts answer on a thread that they all share, which must not encode or sign.
#pragma once

#include <functional>

namespace blindai::endpoints {

void Post(std::function<void()> work);

}  // namespace blindai::endpoints
