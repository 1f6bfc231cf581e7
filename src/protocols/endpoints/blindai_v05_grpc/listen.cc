#include "protocols/endpoints/blindai_v05_grpc/listen.h"

namespace blindai::endpoints {

base::Result<Listener> ListenV05(const BlindaiV05Port& port, grpc::Service& service, int max_message_bytes) {
  return Listener::Open({.address = port.address,
                         .certificate_pem = port.certificate_pem,
                         .key_pem = port.key_pem.ExposeSecret(),
                         .max_message_bytes = max_message_bytes},
                        service)
      .Within("BlindAI 0.5");
}

}  // namespace blindai::endpoints
