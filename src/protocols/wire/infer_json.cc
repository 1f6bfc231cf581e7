#include "protocols/wire/infer_json.h"

#include <cstdint>
#include <string>
#include <utility>

#include <boost/json/basic_parser_impl.hpp>

#include "protocols/wire/tensor_json.h"

namespace blindai::wire {
namespace {

namespace json = boost::json;
using base::MakeError;
using vocabulary::Datatype;

// The place of a tensor object: root object, array of tensors, tensor object.
constexpr int kRootLevel = 1;
constexpr int kTensorLevel = 3;

// The events of Boost.JSON's parser. A tensor's datatype may stand behind its data; then the first pass skips
// the data, and a second pass, which knows every datatype from the first, reads it.
class Handler {
 public:
  static constexpr std::size_t max_object_size = SIZE_MAX;
  static constexpr std::size_t max_array_size = SIZE_MAX;
  static constexpr std::size_t max_key_size = SIZE_MAX;
  static constexpr std::size_t max_string_size = SIZE_MAX;

  Handler(std::string_view tensors_key, const InferLimits& limits, std::vector<std::optional<Datatype>> known)
      : tensors_key_(tensors_key), limits_(limits), known_(std::move(known)) {}

  std::optional<base::Error>& failure() { return failure_; }
  bool skipped_data() const { return skipped_data_; }
  std::vector<std::optional<Datatype>> TakeDatatypes() { return std::move(datatypes_); }
  base::Result<InferJson> Finish() {
    json::value tree = stack_.release();
    if (!tree.is_object()) return base::Malformed("the JSON part is not an object", "infer-json");
    for (std::size_t i = 0; i < data_.size(); ++i) {
      if (data_[i] && datatypes_[i] != data_[i]->datatype)
        return TensorError(i, "infer-field", "has two datatypes");
    }
    return InferJson{std::move(tree.get_object()), std::move(data_)};
  }

  bool on_document_begin(json::error_code&) {
    stack_.reset();
    return true;
  }
  bool on_document_end(json::error_code&) { return true; }

  bool on_object_begin(json::error_code& error) {
    if (in_data()) return ElementFails("an object", error);
    ++level_;
    if (level_ == kTensorLevel && in_tensors_) {
      data_.emplace_back();
      datatypes_.emplace_back();
    }
    return CountValue(error);
  }
  bool on_object_end(std::size_t count, json::error_code&) {
    --level_;
    stack_.push_object(count);
    return true;
  }
  bool on_array_begin(json::error_code& error) {
    if (in_data()) {
      ++data_depth_;
      return true;
    }
    if (at_tensor() && key_ == "data") return BeginData(error);
    ++level_;
    if (level_ == kRootLevel + 1 && key_ == tensors_key_) {
      if (seen_tensors_) return Fail(base::Malformed("'" + key_ + "' appears twice", "infer-field"), error);
      seen_tensors_ = true;
      in_tensors_ = true;
    }
    return CountValue(error);
  }
  bool on_array_end(std::size_t count, json::error_code&) {
    if (in_data()) {
      if (--data_depth_ == 0) stack_.push_null();
      return true;
    }
    if (level_ == kRootLevel + 1) in_tensors_ = false;
    --level_;
    stack_.push_array(count);
    return true;
  }

  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    partial_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view last, std::size_t, json::error_code&) {
    partial_.append(last.data(), last.size());
    key_ = std::exchange(partial_, {});
    stack_.push_key(key_);
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    partial_.append(part.data(), part.size());
    return true;
  }
  bool on_string(json::string_view last, std::size_t, json::error_code& error) {
    partial_.append(last.data(), last.size());
    const std::string text = std::exchange(partial_, {});
    if (in_data()) {
      return Element([&](Datatype datatype, base::Bytes& out) { return AppendString(datatype, text, out); },
                     error);
    }
    if (at_tensor() && key_ == "datatype") {
      datatypes_.back() = vocabulary::DatatypeFromName(text);
      if (!datatypes_.back()) {
        return Fail(
            TensorError(tensor_index(), "tensor-dtype",
                        "has a datatype that is not one of BOOL, UINT8 to UINT64, INT8 to INT64, FP16, BF16, "
                        "FP32, FP64, BYTES"),
            error);
      }
    }
    stack_.push_string(text);
    return CountValue(error);
  }

  bool on_number_part(json::string_view part, json::error_code&) {
    partial_.append(part.data(), part.size());
    return true;
  }
  bool on_int64(std::int64_t value, json::string_view text, json::error_code& error) {
    if (in_data()) return Number(text, error);
    partial_.clear();
    stack_.push_int64(value);
    return CountValue(error);
  }
  bool on_uint64(std::uint64_t value, json::string_view text, json::error_code& error) {
    if (in_data()) return Number(text, error);
    partial_.clear();
    stack_.push_uint64(value);
    return CountValue(error);
  }
  bool on_double(double value, json::string_view text, json::error_code& error) {
    if (in_data()) return Number(text, error);
    partial_.clear();
    stack_.push_double(value);
    return CountValue(error);
  }
  bool on_bool(bool value, json::error_code& error) {
    if (in_data()) {
      return Element([&](Datatype datatype, base::Bytes& out) { return AppendBool(datatype, value, out); },
                     error);
    }
    stack_.push_bool(value);
    return CountValue(error);
  }
  bool on_null(json::error_code& error) {
    if (in_data()) return ElementFails("null", error);
    stack_.push_null();
    return CountValue(error);
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  bool in_data() const { return data_depth_ > 0; }
  bool at_tensor() const { return level_ == kTensorLevel && in_tensors_; }
  std::size_t tensor_index() const { return data_.size() - 1; }

  base::Error TensorError(std::size_t index, std::string code, const std::string& what) const {
    const std::string place = std::string(tensors_key_) + "[" + std::to_string(index) + "]";
    return MakeError(base::ErrorKind::kInvalid, std::move(code), place + " " + what, place);
  }

  bool Fail(base::Error failure, json::error_code& error) {
    failure_ = std::move(failure);
    error = json::make_error_code(json::error::exception);
    return false;
  }

  bool CountValue(json::error_code& error) {
    if (++values_ <= limits_.json_values) return true;
    return Fail(MakeError(base::ErrorKind::kTooLarge, "infer-json",
                          "the JSON part has more than " + std::to_string(limits_.json_values) +
                              " values that are not tensor data"),
                error);
  }

  bool BeginData(json::error_code& error) {
    const std::size_t index = tensor_index();
    std::optional<Datatype> datatype = datatypes_[index];
    if (!datatype && index < known_.size()) datatype = known_[index];
    if (data_[index] || (skipped_data_ && skipped_index_ == index)) {
      return Fail(TensorError(index, "infer-field", "has 'data' twice"), error);
    }
    data_depth_ = 1;
    element_ = 0;
    skipping_ = !datatype;
    if (skipping_) {
      skipped_data_ = true;
      skipped_index_ = index;
      return true;
    }
    if (!HasJsonForm(*datatype)) {
      return Fail(
          TensorError(index, "tensor-json",
                      "is " + std::string(vocabulary::DatatypeName(*datatype)) +
                          ", which has no JSON form; send it as binary tensor data (binary_data_size)"),
          error);
    }
    data_[index].emplace(JsonTensorData{*datatype, {}});
    return true;
  }

  bool Number(json::string_view text, json::error_code& error) {
    std::string_view whole(text.data(), text.size());
    std::string joined;
    if (!partial_.empty()) {
      joined = std::exchange(partial_, {});
      joined += whole;
      whole = joined;
    }
    return Element([&](Datatype datatype, base::Bytes& out) { return AppendNumber(datatype, whole, out); },
                   error);
  }

  template <typename Append>
  bool Element(Append append, json::error_code& error) {
    if (skipping_) return true;
    JsonTensorData& data = *data_[tensor_index()];
    const std::size_t before = data.bytes.size();
    base::Status status = append(data.datatype, data.bytes);
    if (!status.ok()) {
      const std::string where = "data, element " + std::to_string(element_) + ": " + status.error().message;
      return Fail(TensorError(tensor_index(), status.error().code, where), error);
    }
    ++element_;
    tensor_bytes_ += data.bytes.size() - before;
    if (tensor_bytes_ <= limits_.tensor_bytes) return true;
    return Fail(MakeError(base::ErrorKind::kTooLarge, "tensors-too-large",
                          "the tensors have more than " + std::to_string(limits_.tensor_bytes) + " bytes"),
                error);
  }

  bool ElementFails(std::string_view what, json::error_code& error) {
    return Fail(
        TensorError(tensor_index(), "tensor-element",
                    "data holds " + std::string(what) + "; numbers, true, false or strings are wanted"),
        error);
  }

  const std::string_view tensors_key_;
  const InferLimits limits_;
  const std::vector<std::optional<Datatype>> known_;

  json::value_stack stack_;
  std::vector<std::optional<JsonTensorData>> data_;
  std::vector<std::optional<Datatype>> datatypes_;
  std::optional<base::Error> failure_;
  std::string key_;
  std::string partial_;  // a key, string or number that the parser hands over in pieces
  std::uint64_t values_ = 0;
  std::uint64_t tensor_bytes_ = 0;
  std::uint64_t element_ = 0;
  std::size_t skipped_index_ = 0;
  int level_ = 0;
  int data_depth_ = 0;
  bool seen_tensors_ = false;
  bool in_tensors_ = false;
  bool skipping_ = false;
  bool skipped_data_ = false;
};

// JSON has no NaN and no Infinity, but programs write them; then the error should say so.
bool IsNotFinite(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return text.starts_with("NaN") || text.starts_with("nan") || text.starts_with("Inf") ||
         text.starts_with("inf");
}

base::Error SyntaxError(std::string_view text, std::size_t at) {
  for (const std::size_t back : {std::size_t{1}, std::size_t{0}}) {
    if (at >= back && at - back < text.size() && IsNotFinite(text.substr(at - back))) {
      return base::Malformed(
          "NaN or Infinity at byte " + std::to_string(at - back) +
              " of the JSON part: JSON has no such numbers; send the tensor as binary tensor data",
          "tensor-json");
    }
  }
  return base::Malformed("the JSON part is not valid JSON at byte " + std::to_string(at), "infer-json");
}

struct Pass {
  base::Result<InferJson> result;
  bool skipped_data;
  std::vector<std::optional<Datatype>> datatypes;
};

Pass RunPass(std::string_view text, std::string_view tensors_key, const InferLimits& limits,
             std::vector<std::optional<Datatype>> known) {
  json::basic_parser<Handler> parser(json::parse_options{}, tensors_key, limits, std::move(known));
  json::error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  Handler& handler = parser.handler();
  if (handler.failure()) return {*std::move(handler.failure()), false, {}};
  if (error || used != text.size()) return {SyntaxError(text, used), false, {}};
  Pass pass{handler.Finish(), handler.skipped_data(), {}};
  pass.datatypes = handler.TakeDatatypes();
  return pass;
}

}  // namespace

base::Result<InferJson> ParseInferJson(base::ByteView text, std::string_view tensors_key,
                                       const InferLimits& limits) {
  Pass first = RunPass(base::AsText(text), tensors_key, limits, {});
  if (!first.result.ok() || !first.skipped_data) return std::move(first.result);
  for (std::size_t i = 0; i < first.datatypes.size(); ++i) {
    if (!first.datatypes[i]) {
      return MakeError(base::ErrorKind::kInvalid, "infer-field",
                       std::string(tensors_key) + "[" + std::to_string(i) + "]: 'datatype' is missing");
    }
  }
  return RunPass(base::AsText(text), tensors_key, limits, std::move(first.datatypes)).result;
}

}  // namespace blindai::wire
