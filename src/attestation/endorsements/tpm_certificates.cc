#include "attestation/endorsements/tpm_certificates.h"

#include <string_view>

#include "encoding/der.h"

namespace blindai::endorsements {
namespace {

constexpr std::string_view kGceInstanceInfo = "1.3.6.1.4.1.11129.2.1.21";

base::Result<std::string> ReadUtf8(encoding::DerReader& reader, std::string_view field) {
  BLINDAI_TRY(const base::ByteView text, reader.Expect(field, encoding::kDerUtf8String));
  return std::string(base::AsText(text));
}

// SEQUENCE { zone, projectNumber, projectId, instanceId, instanceName, [0] security properties OPTIONAL }.
base::Result<GceInstance> ReadInstance(base::ByteView content) {
  encoding::DerReader outer(content);
  BLINDAI_TRY(encoding::DerReader fields, outer.Sequence("GceInstanceInfo"));
  BLINDAI_RETURN_IF_ERROR(outer.End("GceInstanceInfo"));
  GceInstance instance;
  BLINDAI_TRY(instance.zone, ReadUtf8(fields, "zone"));
  BLINDAI_TRY(instance.project_number, fields.Unsigned("projectNumber"));
  BLINDAI_TRY(instance.project_id, ReadUtf8(fields, "projectId"));
  BLINDAI_TRY(instance.instance_id, fields.Unsigned("instanceId"));
  BLINDAI_TRY(instance.instance_name, ReadUtf8(fields, "instanceName"));
  return instance;
}

}  // namespace

base::Result<std::optional<GceInstance>> ReadGceInstance(const crypto::Certificate& certificate) {
  const auto content = certificate.extension(kGceInstanceInfo);
  if (!content) return std::optional<GceInstance>();
  auto instance = ReadInstance(*content);
  if (!instance.ok()) {
    return base::Malformed("instance info: " + instance.error().message, "tpm-certificate");
  }
  return std::optional<GceInstance>(std::move(instance).value());
}

}  // namespace blindai::endorsements
