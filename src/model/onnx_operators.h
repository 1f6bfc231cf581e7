// The operators that the gate lets through: those that the engine runs, with what the ONNX schema of each
// version asks for. The table is written by tools/onnx_operators.py from the schemas, so nobody types it.
// Internal to the gate.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

namespace blindai::model::onnx {

inline constexpr std::int64_t kMinOpset = 7;
inline constexpr std::int64_t kMaxOpset = 28;
// In max_inputs and max_outputs: as many as there are.
inline constexpr std::size_t kAnyNumber = 255;

// One version of one operator.
struct Operator {
  std::string_view name;
  std::int64_t since;      // the opset that introduced this version
  bool deprecated;         // gone from this version on
  std::uint32_t required;  // bit i: input i must be given
  std::size_t min_inputs, max_inputs;
  std::size_t min_outputs, max_outputs;
  std::string_view
      output_types;  // per output: the input whose type it has, f l i b u for a fixed one, ? otherwise
  std::string_view attributes;  // "axis:i perm:I value:t!", a '!' where required

  // 'i', 'f', 's', 't', 'g', 'I', 'F', 'S', or nothing for an attribute that this operator does not have.
  std::optional<char> AttributeType(std::string_view attribute) const;
  // A required attribute that `given` does not know, or nothing.
  template <typename Given>
  std::string_view MissingAttribute(const Given& given) const {
    for (std::string_view rest = attributes; !rest.empty();) {
      const std::string_view entry = rest.substr(0, rest.find(' '));
      const std::string_view own = entry.substr(0, entry.find(':'));
      if (entry.ends_with('!') && !given(own)) return own;
      rest.remove_prefix(std::min(entry.size() + 1, rest.size()));
    }
    return {};
  }
};

// The version of an operator that an opset uses, or nullptr.
const Operator* FindOperator(std::string_view name, std::int64_t opset);
// Whether any version of it is in the table.
bool IsKnownOperator(std::string_view name);
// Why the gate never lets an operator through although an engine may know it; empty for all others.
std::string_view WhyNever(std::string_view name);

inline bool IsControlFlow(std::string_view name) { return name == "If" || name == "Loop" || name == "Scan"; }

}  // namespace blindai::model::onnx
