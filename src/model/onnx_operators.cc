#include "model/onnx_operators.h"

#include <algorithm>
#include <array>
#include <span>

namespace blindai::model::onnx {
namespace {

constexpr Operator kOperators[] = {
#include "model/onnx_operators.inc"
};

struct Never {
  std::string_view name;
  std::string_view why;
};

constexpr std::string_view kOutOfBounds = "it reaches outside its tensors when an index is out of range";
constexpr std::string_view kRandom = "its result is random";
constexpr std::string_view kStrings = "strings are not served";
constexpr std::string_view kContainers = "sequences, maps and optional values are not served";
constexpr std::string_view kLengths = "its lengths cannot be proved";
constexpr std::string_view kTraining = "training is not served";

constexpr std::array kNever = {
    Never{"Scatter", kOutOfBounds},
    Never{"ScatterElements", kOutOfBounds},
    Never{"GatherND", kOutOfBounds},
    Never{"Bernoulli", kRandom},
    Never{"Multinomial", kRandom},
    Never{"RandomNormal", kRandom},
    Never{"RandomNormalLike", kRandom},
    Never{"RandomUniform", kRandom},
    Never{"RandomUniformLike", kRandom},
    Never{"LabelEncoder", kStrings},
    Never{"RegexFullMatch", kStrings},
    Never{"StringConcat", kStrings},
    Never{"StringNormalizer", kStrings},
    Never{"StringSplit", kStrings},
    Never{"TfIdfVectorizer", kStrings},
    Never{"ConcatFromSequence", kContainers},
    Never{"Optional", kContainers},
    Never{"OptionalGetElement", kContainers},
    Never{"OptionalHasElement", kContainers},
    Never{"SequenceAt", kContainers},
    Never{"SequenceConstruct", kContainers},
    Never{"SequenceEmpty", kContainers},
    Never{"SequenceErase", kContainers},
    Never{"SequenceInsert", kContainers},
    Never{"SequenceLength", kContainers},
    Never{"SequenceMap", kContainers},
    Never{"SplitToSequence", kContainers},
    Never{"DFT", kLengths},
    Never{"STFT", kLengths},
    Never{"Adagrad", kTraining},
    Never{"Adam", kTraining},
    Never{"Gradient", kTraining},
    Never{"GraphCall", kTraining},
    Never{"Momentum", kTraining},
};

// The table is sorted by name, then by version.
std::span<const Operator> Versions(std::string_view name) {
  struct ByName {
    bool operator()(const Operator& op, std::string_view wanted) const { return op.name < wanted; }
    bool operator()(std::string_view wanted, const Operator& op) const { return wanted < op.name; }
  };
  const auto [first, last] = std::equal_range(std::begin(kOperators), std::end(kOperators), name, ByName{});
  return {first, last};
}

}  // namespace

std::optional<char> Operator::AttributeType(std::string_view attribute) const {
  for (std::size_t at = 0; at < attributes.size();) {
    const std::size_t end = std::min(attributes.find(' ', at), attributes.size());
    const std::string_view entry = attributes.substr(at, end - at);
    if (entry.size() > attribute.size() + 1 && entry.starts_with(attribute) &&
        entry[attribute.size()] == ':') {
      return entry[attribute.size() + 1];
    }
    at = end + 1;
  }
  return std::nullopt;
}

const Operator* FindOperator(std::string_view name, std::int64_t opset) {
  const Operator* found = nullptr;
  for (const Operator& entry : Versions(name)) {
    if (entry.since <= opset) found = &entry;
  }
  return found && !found->deprecated ? found : nullptr;
}

bool IsKnownOperator(std::string_view name) { return !Versions(name).empty(); }

std::string_view WhyNever(std::string_view name) {
  for (const Never& entry : kNever) {
    if (entry.name == name) return entry.why;
  }
  return {};
}

}  // namespace blindai::model::onnx
