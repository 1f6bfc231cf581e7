// What a Whisper decoder looks at, as ports that its export does not have: for each layer an input with the numbers of
// some heads, and an output with their attention to what was heard. Names of nodes are not trusted: cross-attention is
// the softmax whose result weighs something that comes from the encoder's states alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <openvino/openvino.hpp>

namespace blindai::model {

std::string AttentionHeadsPort(std::size_t layer);  // i32 [heads]; may be empty
std::string AttentionPort(std::size_t layer);       // f32 [1, heads, tokens, positions], or without the 1

struct AttentionPorts {
  std::size_t layers = 0;  // 0: no cross-attention was found, and nothing is changed
  std::int32_t heads = 1;  // of each layer, as far as the graph says it
};
// Layers are numbered in their order. A head that does not exist gives the last one's attention.
AttentionPorts AddAttentionPorts(ov::Model& model);

}  // namespace blindai::model
