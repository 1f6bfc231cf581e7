#include "net/connection_facts.h"

namespace blindai::net {

base::Result<ExporterValue> ConnectionFacts::Exporter(std::string_view label, base::ByteView context) const {
  if (!exporter) {
    return base::MakeError(base::ErrorKind::kUnsupported, "not-tls",
                           "This connection is not TLS, so nothing can be bound to it");
  }
  return exporter(label, context);
}

}  // namespace blindai::net
