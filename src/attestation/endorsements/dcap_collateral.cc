#include "attestation/endorsements/dcap_collateral.h"

#include <algorithm>
#include <boost/json.hpp>
#include <tuple>

#include "crypto/certificate_chain.h"
#include "encoding/der.h"
#include "encoding/hex.h"
#include "encoding/json.h"
#include "encoding/pem.h"

namespace blindai::endorsements {
namespace {

namespace json = boost::json;
using base::ByteView;
using base::Result;
using evidence::TcbStatus;

constexpr std::size_t kMaxLevels = 256;
constexpr std::size_t kMaxAdvisories = 128;
constexpr std::size_t kComponentCount = 16;
constexpr encoding::JsonLimits kLimits{512 * 1024, 16};

// The member names of a statement in Intel's answers and in Fortanix's files.
struct StatementNames {
  std::string_view member;
  std::string_view raw_member;
};
StatementNames NamesOf(StatementKind kind) {
  switch (kind) {
    case StatementKind::kTcbInfo:
      return {"tcbInfo", "raw_tcb_info"};
    case StatementKind::kQeIdentity:
      return {"enclaveIdentity", "raw_enclave_identity"};
    case StatementKind::kEvaluationNumbers:
      return {"tcbEvaluationDataNumbers", "raw_tcb_evaluation_data_numbers"};
  }
  BLINDAI_CHECK(false);
}

base::Error Unsigned() { return base::Malformed("there is no signature", "unsigned"); }

std::string_view WithoutPadding(ByteView bytes) {
  const std::string_view text = base::AsText(bytes);
  const std::size_t last = text.find_last_not_of(std::string_view("\0 \t\r\n", 5));
  return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

// Ecdsa-Sig-Value to r || s.
Result<base::FixedBytes<64>> RawSignature(ByteView der) {
  encoding::DerReader reader(der);
  BLINDAI_TRY(encoding::DerReader pair, reader.Sequence("signature"));
  BLINDAI_RETURN_IF_ERROR(reader.End("signature"));
  base::FixedBytes<64> raw;
  for (std::size_t half = 0; half < 2; ++half) {
    BLINDAI_TRY(ByteView number, pair.Expect("signature number", encoding::kDerInteger));
    while (!number.empty() && number[0] == 0) number = number.subspan(1);
    if (number.size() > 32) return base::Malformed("signature: a number has more than 32 bytes");
    std::copy(number.begin(), number.end(),
              raw.bytes.begin() + static_cast<std::ptrdiff_t>(32 * (half + 1) - number.size()));
  }
  BLINDAI_RETURN_IF_ERROR(pair.End("signature"));
  return raw;
}

Result<base::Bytes> BytesOfNumbers(const json::array& numbers) {
  base::Bytes bytes;
  for (const json::value& number : numbers) {
    if (!number.is_int64() || number.get_int64() < 0 || number.get_int64() > 0xff) {
      return base::Malformed("signature: not a list of bytes");
    }
    bytes.push_back(static_cast<std::uint8_t>(number.get_int64()));
  }
  return bytes;
}

Result<base::FixedBytes<64>> ReadSignature(const json::object& object) {
  const json::value* value = encoding::JsonFind(object, "signature");
  if (value == nullptr) return Unsigned();
  if (const json::array* numbers = value->if_array()) {
    if (numbers->empty()) return Unsigned();
    BLINDAI_TRY(const base::Bytes der, BytesOfNumbers(*numbers));
    return RawSignature(der);
  }
  BLINDAI_TRY(const std::string text, encoding::JsonString(object, "signature"));
  if (text.empty()) return Unsigned();
  return encoding::HexDecodeFixed<base::FixedBytes<64>>(text).Within("signature");
}

// Fields of statements.

Result<std::uint32_t> ReadNumber(const json::object& object, std::string_view field, std::uint32_t maximum) {
  BLINDAI_TRY(const std::uint64_t number, encoding::JsonUnsigned(object, field));
  if (number > maximum) return encoding::JsonFieldError(field, "a number up to " + std::to_string(maximum));
  return static_cast<std::uint32_t>(number);
}

Result<std::uint16_t> ReadSvn(const json::object& object, std::string_view field) {
  BLINDAI_TRY(const std::uint32_t number, ReadNumber(object, field, 0xffff));
  return static_cast<std::uint16_t>(number);
}

template <typename Fixed>
Result<Fixed> ReadFixed(const json::object& object, std::string_view field) {
  BLINDAI_TRY(const std::string text, encoding::JsonString(object, field));
  return encoding::HexDecodeFixed<Fixed>(text).Within(field);
}

// Hex text of the bytes as they lie in memory, least significant first.
template <std::size_t kBytes>
Result<std::uint64_t> ReadLittleEndian(const json::object& object, std::string_view field) {
  BLINDAI_TRY(const auto bytes, ReadFixed<base::FixedBytes<kBytes>>(object, field));
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < kBytes; ++i) value |= std::uint64_t{bytes.bytes[i]} << (8 * i);
  return value;
}

Result<StatementDates> ReadDates(const json::object& object) {
  StatementDates dates;
  BLINDAI_TRY(dates.issued, encoding::JsonTime(object, "issueDate"));
  BLINDAI_TRY(dates.next_update, encoding::JsonTime(object, "nextUpdate"));
  return dates;
}

Result<TcbStatus> ReadStatus(const json::object& level) {
  BLINDAI_TRY(const std::string text, encoding::JsonString(level, "tcbStatus"));
  const std::optional<TcbStatus> status = evidence::TcbStatusFromName(text);
  if (!status) return encoding::JsonFieldError("tcbStatus", "a status that is known");
  return *status;
}

Result<std::vector<std::string>> ReadAdvisories(const json::object& level) {
  std::vector<std::string> advisories;
  if (encoding::JsonFind(level, "advisoryIDs") == nullptr) return advisories;
  BLINDAI_TRY(const json::array* list, encoding::JsonArray(level, "advisoryIDs"));
  if (list->size() > kMaxAdvisories) return encoding::JsonFieldError("advisoryIDs", "a list of at most 128");
  for (const json::value& id : *list) {
    if (!id.is_string()) return encoding::JsonFieldError("advisoryIDs", "a list of texts");
    advisories.emplace_back(id.get_string());
  }
  return advisories;
}

// What both kinds of level have.
template <typename Level>
base::Status ReadLevelStatus(const json::object& object, Level& level) {
  BLINDAI_TRY(level.tcb_date, encoding::JsonTime(object, "tcbDate"));
  BLINDAI_TRY(level.status, ReadStatus(object));
  BLINDAI_TRY(level.advisories, ReadAdvisories(object));
  return base::Ok();
}

// Version 3: an array of exactly 16 objects; a shorter one would compare too little.
Result<std::array<std::uint16_t, 16>> ReadComponents(const json::object& tcb, std::string_view field) {
  BLINDAI_TRY(const json::array* list, encoding::JsonArray(tcb, field));
  if (list->size() != kComponentCount) return encoding::JsonFieldError(field, "an array of 16 components");
  std::array<std::uint16_t, 16> components{};
  for (std::size_t i = 0; i < kComponentCount; ++i) {
    const json::object* component = (*list)[i].if_object();
    if (component == nullptr) return encoding::JsonFieldError(field, "an array of objects");
    BLINDAI_TRY(components[i], ReadSvn(*component, "svn").Within(field));
  }
  return components;
}

// Version 2: "sgxtcbcomp01svn" to "sgxtcbcomp16svn".
Result<std::array<std::uint16_t, 16>> ReadFlatComponents(const json::object& tcb) {
  std::array<std::uint16_t, 16> components{};
  for (std::size_t i = 0; i < kComponentCount; ++i) {
    std::string number = std::to_string(i + 1);
    if (number.size() == 1) number.insert(number.begin(), '0');
    BLINDAI_TRY(components[i], ReadSvn(tcb, "sgxtcbcomp" + number + "svn"));
  }
  return components;
}

Result<TcbLevel> ReadTcbLevel(const json::object& object, const TcbInfo& info) {
  TcbLevel level;
  BLINDAI_TRY(const json::object* tcb, encoding::JsonObject(object, "tcb"));
  BLINDAI_TRY(level.sgx_components,
              info.version == 2 ? ReadFlatComponents(*tcb) : ReadComponents(*tcb, "sgxtcbcomponents"));
  BLINDAI_TRY(level.pce_svn, ReadSvn(*tcb, "pcesvn"));
  if (info.tee == evidence::TeeKind::kTdx) {
    BLINDAI_TRY(level.tdx_components, ReadComponents(*tcb, "tdxtcbcomponents"));
  }
  BLINDAI_RETURN_IF_ERROR(ReadLevelStatus(object, level));
  return level;
}

Result<SvnLevel> ReadSvnLevel(const json::object& object) {
  SvnLevel level;
  BLINDAI_TRY(const json::object* tcb, encoding::JsonObject(object, "tcb"));
  BLINDAI_TRY(level.isv_svn, ReadSvn(*tcb, "isvsvn"));
  BLINDAI_RETURN_IF_ERROR(ReadLevelStatus(object, level));
  return level;
}

template <typename Item, typename Read>
Result<std::vector<Item>> ReadList(const json::object& object, std::string_view field, Read read) {
  BLINDAI_TRY(const json::array* list, encoding::JsonArray(object, field));
  if (list->empty() || list->size() > kMaxLevels)
    return encoding::JsonFieldError(field, "an array of 1 to 256");
  std::vector<Item> items;
  for (const json::value& element : *list) {
    const json::object* item = element.if_object();
    if (item == nullptr) return encoding::JsonFieldError(field, "an array of objects");
    auto parsed = read(*item);
    if (!parsed.ok()) return std::move(parsed).error().Within(field);
    items.push_back(std::move(*parsed));
  }
  return items;
}

Result<std::vector<SvnLevel>> ReadSvnLevels(const json::object& object) {
  BLINDAI_TRY(std::vector<SvnLevel> levels, ReadList<SvnLevel>(object, "tcbLevels", ReadSvnLevel));
  std::stable_sort(levels.begin(), levels.end(),
                   [](const SvnLevel& left, const SvnLevel& right) { return left.isv_svn > right.isv_svn; });
  return levels;
}

Result<TdxModule> ReadTdxModule(const json::object& object) {
  TdxModule module;
  BLINDAI_TRY(module.mrsigner, ReadFixed<evidence::MrSignerSeam>(object, "mrsigner"));
  BLINDAI_TRY(module.attributes, ReadLittleEndian<8>(object, "attributes"));
  BLINDAI_TRY(module.attributes_mask, ReadLittleEndian<8>(object, "attributesMask"));
  return module;
}

// "TDX_01", the digits in either case.
Result<std::uint8_t> ReadModuleId(const json::object& object) {
  constexpr std::string_view kPrefix = "TDX_";
  BLINDAI_TRY(const std::string id, encoding::JsonString(object, "id"));
  if (!id.starts_with(kPrefix)) return encoding::JsonFieldError("id", "TDX_ and two hex digits");
  const auto digits =
      encoding::HexDecodeFixed<base::FixedBytes<1>>(std::string_view(id).substr(kPrefix.size()));
  if (!digits.ok()) return encoding::JsonFieldError("id", "TDX_ and two hex digits");
  return digits->bytes[0];
}

Result<std::pair<std::uint8_t, TdxModule>> ReadModuleIdentity(const json::object& object) {
  BLINDAI_TRY(const std::uint8_t id, ReadModuleId(object));
  BLINDAI_TRY(TdxModule module, ReadTdxModule(object));
  BLINDAI_TRY(module.levels, ReadSvnLevels(object));
  return std::pair(id, std::move(module));
}

base::Status ReadTdxModules(const json::object& object, TcbInfo& info) {
  BLINDAI_TRY(const json::object* module, encoding::JsonObject(object, "tdxModule"));
  auto parsed = ReadTdxModule(*module);
  if (!parsed.ok()) return std::move(parsed).error().Within("tdxModule");
  info.tdx_module = std::move(*parsed);
  if (encoding::JsonFind(object, "tdxModuleIdentities") == nullptr) return base::Ok();
  using Identity = std::pair<std::uint8_t, TdxModule>;
  BLINDAI_TRY(std::vector<Identity> identities,
              ReadList<Identity>(object, "tdxModuleIdentities", ReadModuleIdentity));
  for (Identity& identity : identities) {
    if (!info.tdx_identities.insert(std::move(identity)).second) {
      return encoding::JsonFieldError("tdxModuleIdentities", "a list with each id once");
    }
  }
  return base::Ok();
}

base::Status ReadVersionAndTee(const json::object& object, TcbInfo& info) {
  BLINDAI_TRY(const std::uint32_t version, ReadNumber(object, "version", 0xffff));
  if (version != 2 && version != 3) return encoding::JsonFieldError("version", "2 or 3");
  info.version = static_cast<int>(version);
  if (version == 2) return base::Ok();  // SGX only, and says nothing about it
  BLINDAI_TRY(const std::string id, encoding::JsonString(object, "id"));
  if (id != "SGX" && id != "TDX") return encoding::JsonFieldError("id", "SGX or TDX");
  info.tee = id == "TDX" ? evidence::TeeKind::kTdx : evidence::TeeKind::kSgx;
  return base::Ok();
}

Result<TcbInfo> TcbInfoOf(const json::object& object) {
  TcbInfo info;
  BLINDAI_RETURN_IF_ERROR(ReadVersionAndTee(object, info));
  BLINDAI_TRY(info.dates, ReadDates(object));
  BLINDAI_TRY(info.fmspc, ReadFixed<Fmspc>(object, "fmspc"));
  BLINDAI_TRY(info.pce_id, ReadFixed<PceId>(object, "pceId"));
  // Type 0 is the rule of comparison that this verifier knows.
  BLINDAI_RETURN_IF_ERROR(ReadNumber(object, "tcbType", 0));
  BLINDAI_TRY(info.evaluation_data_number, ReadNumber(object, "tcbEvaluationDataNumber", 0xffffffff));
  if (info.tee == evidence::TeeKind::kTdx) BLINDAI_RETURN_IF_ERROR(ReadTdxModules(object, info));
  BLINDAI_TRY(info.levels, ReadList<TcbLevel>(object, "tcbLevels", [&info](const json::object& level) {
                return ReadTcbLevel(level, info);
              }));
  const auto rank = [](const TcbLevel& level) {
    return std::tie(level.sgx_components, level.pce_svn, level.tdx_components);
  };
  std::stable_sort(info.levels.begin(), info.levels.end(),
                   [&rank](const TcbLevel& left, const TcbLevel& right) { return rank(left) > rank(right); });
  return info;
}

Result<EnclaveRole> ReadRole(const json::object& object) {
  BLINDAI_TRY(const std::string id, encoding::JsonString(object, "id"));
  if (id == "QE") return EnclaveRole::kQe;
  if (id == "TD_QE") return EnclaveRole::kTdQe;
  if (id == "QVE") return EnclaveRole::kQve;
  return encoding::JsonFieldError("id", "QE, TD_QE or QVE");
}

// 16 bytes: flags, then XFRM.
base::Status ReadAttributes(const json::object& object, std::string_view field, std::uint64_t& flags,
                            std::uint64_t& xfrm) {
  BLINDAI_TRY(const auto bytes, ReadFixed<base::FixedBytes<16>>(object, field));
  for (std::size_t i = 0; i < 8; ++i) {
    flags |= std::uint64_t{bytes.bytes[i]} << (8 * i);
    xfrm |= std::uint64_t{bytes.bytes[8 + i]} << (8 * i);
  }
  return base::Ok();
}

Result<QeIdentity> QeIdentityOf(const json::object& object) {
  QeIdentity identity;
  BLINDAI_TRY(identity.role, ReadRole(object));
  BLINDAI_TRY(const std::uint32_t version, ReadNumber(object, "version", 0xffff));
  if (version != 2) return encoding::JsonFieldError("version", "2");
  BLINDAI_TRY(identity.dates, ReadDates(object));
  BLINDAI_TRY(identity.evaluation_data_number, ReadNumber(object, "tcbEvaluationDataNumber", 0xffffffff));
  BLINDAI_TRY(const std::uint64_t misc_select, ReadLittleEndian<4>(object, "miscselect"));
  BLINDAI_TRY(const std::uint64_t misc_mask, ReadLittleEndian<4>(object, "miscselectMask"));
  identity.misc_select = static_cast<std::uint32_t>(misc_select);
  identity.misc_select_mask = static_cast<std::uint32_t>(misc_mask);
  BLINDAI_RETURN_IF_ERROR(ReadAttributes(object, "attributes", identity.flags, identity.xfrm));
  BLINDAI_RETURN_IF_ERROR(ReadAttributes(object, "attributesMask", identity.flags_mask, identity.xfrm_mask));
  BLINDAI_TRY(identity.mrsigner, ReadFixed<evidence::MrSigner>(object, "mrsigner"));
  BLINDAI_TRY(identity.isv_prod_id, ReadSvn(object, "isvprodid"));
  BLINDAI_TRY(identity.levels, ReadSvnLevels(object));
  return identity;
}

Result<EvaluationNumbers> EvaluationNumbersOf(const json::object& object) {
  EvaluationNumbers numbers;
  BLINDAI_TRY(const std::string id, encoding::JsonString(object, "id"));
  if (id != "SGX" && id != "TDX") return encoding::JsonFieldError("id", "SGX or TDX");
  numbers.tee = id == "TDX" ? evidence::TeeKind::kTdx : evidence::TeeKind::kSgx;
  BLINDAI_TRY(numbers.dates, ReadDates(object));
  BLINDAI_TRY(numbers.numbers,
              ReadList<std::uint32_t>(object, "tcbEvalNumbers", [](const json::object& entry) {
                return ReadNumber(entry, "tcbEvaluationDataNumber", 0xffffffff);
              }));
  return numbers;
}

int HexDigit(char c) {
  const auto digits = encoding::HexDecode(std::string("0") + c);
  return digits.ok() ? (*digits)[0] : -1;
}

// Response headers carry their chains percent-encoded (RFC 3986 section 2.1).
Result<std::string> PercentDecode(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    if (text.size() - i < 3) return base::Malformed("chain: ends inside a percent code");
    const int high = HexDigit(text[i + 1]);
    const int low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return base::Malformed("chain: bad percent code");
    plain += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return plain;
}

Result<std::vector<crypto::Certificate>> ConcatenatedDer(ByteView bytes) {
  std::vector<crypto::Certificate> certificates;
  do {
    if (certificates.size() == crypto::kMaxChainCertificates)
      return base::Malformed("chain: too many certificates");
    BLINDAI_TRY(const std::size_t size, encoding::DerElementSize(bytes));
    BLINDAI_TRY(crypto::Certificate certificate, crypto::Certificate::FromDer(bytes.first(size)));
    certificates.push_back(std::move(certificate));
    bytes = bytes.subspan(size);
  } while (!bytes.empty());
  return certificates;
}

// The PEM texts of a file of Fortanix's tools, joined.
Result<std::string> JoinedChain(std::string_view text) {
  BLINDAI_TRY(const json::object object, encoding::ParseJsonObject(text, kLimits));
  BLINDAI_TRY(const json::array* list, encoding::JsonArray(object, "ca_chain"));
  std::string joined;
  for (const json::value& pem : *list) {
    if (!pem.is_string()) return encoding::JsonFieldError("ca_chain", "a list of PEM texts");
    joined += std::string_view(pem.get_string());
    joined += '\n';
  }
  return joined;
}

}  // namespace

Result<SignedStatement> ReadSignedStatement(StatementKind kind, ByteView bytes) {
  const std::string_view text = WithoutPadding(bytes);
  const StatementNames names = NamesOf(kind);
  BLINDAI_TRY(const json::object object, encoding::ParseJsonObject(text, kLimits));
  const bool raw = object.contains(json::string_view(names.raw_member.data(), names.raw_member.size()));
  const bool wrapped = object.contains(json::string_view(names.member.data(), names.member.size()));
  // A bare statement, as it lies inside of the wrapper.
  if (!raw && !wrapped && object.contains("issueDate")) return Unsigned();
  SignedStatement statement;
  if (raw) {
    BLINDAI_TRY(statement.text, encoding::JsonString(object, names.raw_member));
  } else {
    BLINDAI_TRY(const std::string_view slice, encoding::JsonMemberText(text, names.member, kLimits));
    statement.text = slice;
  }
  BLINDAI_TRY(statement.signature, ReadSignature(object));
  return statement;
}

base::Bytes JoinStatement(StatementKind kind, std::string_view text, std::string_view signature_hex) {
  std::string joined = "{\"" + std::string(NamesOf(kind).member) + "\":";
  joined += text;
  joined += ",\"signature\":\"";
  joined += signature_hex;
  joined += "\"}";
  return base::CopyBytes(base::AsBytes(joined));
}

Result<TcbInfo> ParseTcbInfo(std::string_view text) {
  BLINDAI_TRY(const json::object object, encoding::ParseJsonObject(text, kLimits));
  return TcbInfoOf(object);
}

Result<QeIdentity> ParseQeIdentity(std::string_view text) {
  BLINDAI_TRY(const json::object object, encoding::ParseJsonObject(text, kLimits));
  return QeIdentityOf(object);
}

Result<EvaluationNumbers> ParseEvaluationNumbers(std::string_view text) {
  BLINDAI_TRY(const json::object object, encoding::ParseJsonObject(text, kLimits));
  return EvaluationNumbersOf(object);
}

Result<std::vector<crypto::Certificate>> ReadIssuerChain(ByteView bytes) {
  const std::string_view text = WithoutPadding(bytes);
  if (text.starts_with('{')) {
    BLINDAI_TRY(const std::string joined, JoinedChain(text));
    return crypto::Certificate::AllFromPem(joined);
  }
  if (text.starts_with("-----BEGIN%20")) {
    BLINDAI_TRY(const std::string plain, PercentDecode(text));
    return crypto::Certificate::AllFromPem(plain);
  }
  if (encoding::LooksLikePem(bytes)) return crypto::Certificate::AllFromPem(text);
  return ConcatenatedDer(bytes);
}

Result<crypto::Crl> ReadCrl(ByteView bytes) {
  const std::string_view text = WithoutPadding(bytes);
  if (!text.starts_with('{')) return crypto::Crl::FromAny(bytes);
  BLINDAI_TRY(const json::object object, encoding::ParseJsonObject(text, kLimits));
  BLINDAI_TRY(const std::string crl, encoding::JsonString(object, "crl"));
  return crypto::Crl::FromAny(base::AsBytes(crl));
}

}  // namespace blindai::endorsements
