#include "model/onnx_facts.h"

#include <array>
#include <cstdint>

namespace blindai::model::onnx {
namespace {

struct TypeEntry {
  std::string_view name;
  std::size_t bytes;
  bool integer;
};

// In the order of TensorProto.DataType. A size of 0 means: refused everywhere, because the engine corrupts its heap
// with strings and reads beyond 4-bit tensors.
constexpr std::array<TypeEntry, 28> kTypes = {{
    {"UNDEFINED", 0, false},      {"FP32", 4, false},
    {"UINT8", 1, true},           {"INT8", 1, true},
    {"UINT16", 2, true},          {"INT16", 2, true},
    {"INT32", 4, true},           {"INT64", 8, true},
    {"STRING", 0, false},         {"BOOL", 1, false},
    {"FP16", 2, false},           {"FP64", 8, false},
    {"UINT32", 4, true},          {"UINT64", 8, true},
    {"COMPLEX64", 0, false},      {"COMPLEX128", 0, false},
    {"BF16", 2, false},           {"FLOAT8E4M3FN", 0, false},
    {"FLOAT8E4M3FNUZ", 0, false}, {"FLOAT8E5M2", 0, false},
    {"FLOAT8E5M2FNUZ", 0, false}, {"UINT4", 0, false},
    {"INT4", 0, false},           {"FLOAT4E2M1", 0, false},
    {"FLOAT8E8M0", 0, false},     {"UINT2", 0, false},
    {"INT2", 0, false},           {"UNDEFINED", 0, false},
}};

const TypeEntry* Find(std::int64_t type) {
  if (type < 0 || type >= static_cast<std::int64_t>(kTypes.size()) - 1) return nullptr;
  return &kTypes[static_cast<std::size_t>(type)];
}

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '/' || c == ':' || c == '-';
}

}  // namespace

std::string ElementTypeName(std::int64_t type) {
  const TypeEntry* entry = Find(type);
  return entry ? std::string(entry->name) : "type " + std::to_string(type);
}

std::size_t ElementBytes(std::int64_t type) {
  const TypeEntry* entry = Find(type);
  return entry ? entry->bytes : 0;
}

bool IsInteger(std::int64_t type) {
  const TypeEntry* entry = Find(type);
  return entry && entry->integer;
}

bool IsWide(std::int64_t type) { return type == kDouble || type == kUint64; }

bool FitsEngine(std::int64_t integer) {
  constexpr std::int64_t kNearTheEnds = std::int64_t{1} << 62;
  return (integer >= INT32_MIN && integer <= INT32_MAX) || integer >= kNearTheEnds ||
         integer <= -kNearTheEnds;
}

std::string Quoted(std::string_view name) {
  constexpr std::size_t kLongest = 64;
  std::string out = "'";
  for (const char c : name.substr(0, kLongest)) out += IsPlain(c) ? c : '?';
  if (name.size() > kLongest) out += "...";
  return out + "'";
}

NameId Names::Intern(std::string_view name) {
  const auto found = ids_.find(name);
  if (found != ids_.end()) return found->second;
  const auto id = static_cast<NameId>(texts_.size());
  texts_.push_back(&ids_.emplace(std::string(name), id).first->first);
  return id;
}

const AttributeFacts* NodeFacts::Attribute(std::string_view name) const {
  for (const AttributeFacts& attribute : attributes) {
    if (attribute.name == name) return &attribute;
  }
  return nullptr;
}

std::int64_t NodeFacts::Integer(std::string_view name, std::int64_t otherwise) const {
  const AttributeFacts* attribute = Attribute(name);
  return attribute ? attribute->integer : otherwise;
}

}  // namespace blindai::model::onnx
