#include "attestation/endorsements/pck_certificate.h"

#include <set>
#include <string>

#include "encoding/der.h"

namespace blindai::endorsements {
namespace {

using encoding::DerReader;

base::Error BadExtension(std::string message) {
  return base::Malformed("PCK extension: " + std::move(message), "bad-pck-extension");
}

template <typename Fixed>
base::Result<Fixed> ReadFixed(DerReader& reader, std::string_view field) {
  BLINDAI_TRY(const base::ByteView bytes, reader.OctetString(field));
  if (bytes.size() != Fixed::kSize) {
    return base::Malformed(std::string(field) + " has " + std::to_string(bytes.size()) + " bytes, wanted " +
                           std::to_string(Fixed::kSize));
  }
  Fixed fixed;
  std::copy(bytes.begin(), bytes.end(), fixed.bytes.begin());
  return fixed;
}

// Calls `read(number, value)` for each (OID, value) of a sequence whose OIDs are parent.number, each once.
template <typename Read>
base::Status ForEachField(DerReader sequence, std::string_view parent, std::set<int>& seen, Read read) {
  const std::string prefix = std::string(parent) + ".";
  while (!sequence.empty()) {
    BLINDAI_TRY(DerReader field, sequence.Sequence("field"));
    BLINDAI_TRY(const std::string oid, field.Oid("field"));
    if (!oid.starts_with(prefix) || oid.find('.', prefix.size()) != std::string::npos ||
        oid.size() > prefix.size() + 2) {
      return base::Malformed("OID " + oid + " is not below " + std::string(parent));
    }
    const int number = std::stoi(oid.substr(prefix.size()));
    if (!seen.insert(number).second) return base::Malformed("OID " + oid + " stands twice");
    BLINDAI_RETURN_IF_ERROR(read(number, field));
    BLINDAI_RETURN_IF_ERROR(field.End(oid));
  }
  return base::Ok();
}

base::Status ReadTcbField(int number, DerReader& value, PckExtension& extension) {
  if (number >= 1 && number <= 16) {
    BLINDAI_TRY(const std::uint64_t svn, value.Unsigned("component SVN"));
    if (svn > 0xffff) return base::Malformed("component SVN above 65535");
    extension.component_svns[static_cast<std::size_t>(number) - 1] = static_cast<std::uint16_t>(svn);
  } else if (number == 17) {
    BLINDAI_TRY(const std::uint64_t svn, value.Unsigned("PCESVN"));
    if (svn > 0xffff) return base::Malformed("PCESVN above 65535");
    extension.pce_svn = static_cast<std::uint16_t>(svn);
  } else if (number == 18) {
    BLINDAI_RETURN_IF_ERROR(value.OctetString("CPUSVN"));
  } else {
    return base::Malformed("TCB field " + std::to_string(number) + " is not known");
  }
  return base::Ok();
}

base::Status ReadTcb(DerReader& field, PckExtension& extension) {
  BLINDAI_TRY(const DerReader sequence, field.Sequence("TCB"));
  std::set<int> seen;
  const std::string parent = std::string(kSgxExtensionOid) + ".2";
  const auto read = [&extension](int number, DerReader& value) {
    return ReadTcbField(number, value, extension);
  };
  BLINDAI_RETURN_IF_ERROR(ForEachField(sequence, parent, seen, read));
  if (seen.size() != 18)
    return base::Malformed("TCB has " + std::to_string(seen.size()) + " fields, wanted 18");
  return base::Ok();
}

base::Status ReadConfiguration(DerReader& field, PckExtension& extension) {
  BLINDAI_TRY(const DerReader sequence, field.Sequence("configuration"));
  std::set<int> seen;
  const std::string parent = std::string(kSgxExtensionOid) + ".7";
  return ForEachField(sequence, parent, seen, [&extension](int number, DerReader& value) -> base::Status {
    BLINDAI_TRY(const bool flag, value.Boolean("configuration flag"));
    if (number == 1) extension.dynamic_platform = flag;
    if (number == 2) extension.cached_keys = flag;
    if (number == 3) extension.smt_enabled = flag;
    return base::Ok();
  });
}

base::Status ReadField(int number, DerReader& field, PckExtension& extension) {
  switch (number) {
    case 1: {
      BLINDAI_TRY(extension.ppid, ReadFixed<evidence::Ppid>(field, "PPID"));
      return base::Ok();
    }
    case 2:
      return ReadTcb(field, extension);
    case 3: {
      BLINDAI_TRY(extension.pce_id, ReadFixed<PceId>(field, "PCEID"));
      return base::Ok();
    }
    case 4: {
      BLINDAI_TRY(extension.fmspc, ReadFixed<Fmspc>(field, "FMSPC"));
      return base::Ok();
    }
    case 6: {
      BLINDAI_TRY(extension.platform_instance_id,
                  ReadFixed<evidence::PlatformInstanceId>(field, "platform instance id"));
      return base::Ok();
    }
    case 7:
      return ReadConfiguration(field, extension);
    default:
      // The SGX type (5) and what later profiles add: nothing is decided by them.
      BLINDAI_RETURN_IF_ERROR(field.Next("field"));
      return base::Ok();
  }
}

base::Result<PckExtension> ReadFields(base::ByteView content) {
  DerReader reader(content);
  BLINDAI_TRY(const DerReader sequence, reader.Sequence("SGX extension"));
  BLINDAI_RETURN_IF_ERROR(reader.End("SGX extension"));
  PckExtension extension;
  std::set<int> seen;
  BLINDAI_RETURN_IF_ERROR(ForEachField(
      sequence, kSgxExtensionOid, seen,
      [&extension](int number, DerReader& field) { return ReadField(number, field, extension); }));
  for (const int required : {1, 2, 3, 4}) {
    if (!seen.contains(required)) return base::Malformed("field " + std::to_string(required) + " is missing");
  }
  return extension;
}

}  // namespace

base::Result<PckExtension> ReadPckExtension(const crypto::Certificate& certificate) {
  const std::optional<base::Bytes> content = certificate.extension(kSgxExtensionOid);
  if (!content) return BadExtension("the certificate has none: it is not a PCK certificate");
  auto extension = ReadFields(*content);
  if (!extension.ok()) return BadExtension(extension.error().message);
  return extension;
}

}  // namespace blindai::endorsements
