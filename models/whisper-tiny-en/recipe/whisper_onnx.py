"""Whisper as three ONNX graphs, node by node from its weights, with the names of Hugging Face's optimum.

    encoder_model            input_features [batch, 80, 3000] -> last_hidden_state [batch, 1500, 384]
    decoder_model            input_ids [batch, length], encoder_hidden_states
                             -> logits [batch, length, 51864], present.N.{decoder,encoder}.{key,value}
    decoder_with_past_model  input_ids [batch, 1], past_key_values.N.{decoder,encoder}.{key,value}
                             -> logits [batch, 1, 51864], present.N.decoder.{key,value}

Keys and values are [batch, heads, positions, 64]. Written by hand, and not traced from PyTorch, because the graph is then
the same bytes on every machine, has a tenth of the nodes, holds the token embedding once, and asks for NumPy and onnx
only. https://huggingface.co/docs/optimum-onnx/onnx/usage_guides/export_a_model
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 20, 9  # Gelu is an operator from 20 on.
FRAMES, HEAD_SIZE, EPSILON = 3000, 64, 1e-5
BATCH = "batch_size"
FEATURE = ("key", "value")


class Graph:
    """A graph under construction: every method adds nodes and gives the name of their result."""

    def __init__(self, weights):
        self.weights = weights
        self.nodes, self.initializers, self.inputs, self.outputs = [], {}, [], []

    def node(self, operator, inputs, outputs=1, **attributes):
        number = len(self.nodes)
        names = [f"{operator}_{number}_{i}" if outputs > 1 else f"{operator}_{number}" for i in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, f"{operator}_{number}", **attributes))
        return names if outputs > 1 else names[0]

    def constant(self, name, values):
        if name not in self.initializers:
            self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def weight(self, name):
        return self.constant(name, self.weights[name].astype(np.float32))

    def numbers(self, *values):
        return self.constant("numbers_" + "_".join(map(str, values)), np.array(values, np.int64))

    def input(self, name, kind, shape):
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name, value, shape):
        """Gives the value, which nothing has read yet, the name of an output."""
        producer = next(node for node in reversed(self.nodes) if value in node.output)
        producer.output[list(producer.output).index(value)] = name
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    # ---- What Whisper is made of ----

    def norm(self, x, at):
        return self.node("LayerNormalization", [x, self.weight(at + "/gamma"), self.weight(at + "/beta")], axis=-1,
                         epsilon=EPSILON)

    def linear(self, x, at):
        """CTranslate2 keeps [out, in]; what multiplies from the right is [in, out]."""
        weight = self.constant(at + "/transposed", self.weights[at + "/weight"].astype(np.float32).T)
        return self.node("Add", [self.node("MatMul", [x, weight]), self.weight(at + "/bias")])

    def split(self, x, parts):
        size = self.state
        return self.node("Split", [x, self.numbers(*[size] * parts)], parts, axis=-1)

    @property
    def state(self):
        return self.weights["encoder/layer_norm/gamma"].size

    @property
    def heads(self):
        return self.state // HEAD_SIZE

    def by_head(self, x):
        """[batch, positions, state] -> [batch, heads, positions, head size]"""
        parted = self.node("Reshape", [x, self.numbers(0, 0, self.heads, HEAD_SIZE)])
        return self.node("Transpose", [parted], perm=[0, 2, 1, 3])

    def attend(self, query, key, value, mask=None):
        scale = self.constant("scale", np.array(HEAD_SIZE ** -0.5, np.float32))
        scores = self.node("MatMul", [self.node("Mul", [query, scale]),
                                      self.node("Transpose", [key], perm=[0, 1, 3, 2])])
        if mask:
            scores = self.node("Add", [scores, mask])
        mixed = self.node("MatMul", [self.node("Softmax", [scores], axis=-1), value])
        return self.node("Reshape", [self.node("Transpose", [mixed], perm=[0, 2, 1, 3]), self.numbers(0, 0, self.state)])

    def feed_forward(self, x, at):
        wide = self.node("Gelu", [self.linear(self.norm(x, at + "/layer_norm"), at + "/linear_0")])
        return self.node("Add", [x, self.linear(wide, at + "/linear_1")])

    def finish(self, name):
        graph = helper.make_graph(self.nodes, name, self.inputs, self.outputs, list(self.initializers.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
                                  producer_name="blindai")
        onnx.checker.check_model(model, full_check=True)
        return model


def layers_of(weights, part):
    return range(sum(name.startswith(part + "/layer_") and name.endswith("ffn/layer_norm/gamma") for name in weights))


def encoder(weights):
    graph = Graph(weights)
    bins = weights["encoder/conv1/weight"].shape[1]
    x = graph.input("input_features", TensorProto.FLOAT, [BATCH, bins, FRAMES])
    for name, stride in (("conv1", 1), ("conv2", 2)):
        inputs = [x] + [graph.weight(f"encoder/{name}/{which}") for which in ("weight", "bias")]
        x = graph.node("Gelu", [graph.node("Conv", inputs, kernel_shape=[3], pads=[1, 1], strides=[stride])])
    x = graph.node("Add", [graph.node("Transpose", [x], perm=[0, 2, 1]),
                           graph.weight("encoder/position_encodings/encodings")])
    for number in layers_of(weights, "encoder"):
        at = f"encoder/layer_{number}/"
        both = graph.linear(graph.norm(x, at + "self_attention/layer_norm"), at + "self_attention/linear_0")
        query, key, value = map(graph.by_head, graph.split(both, 3))
        x = graph.node("Add", [x, graph.linear(graph.attend(query, key, value), at + "self_attention/linear_1")])
        x = graph.feed_forward(x, at + "ffn")
    graph.output("last_hidden_state", graph.norm(x, "encoder/layer_norm"), [BATCH, FRAMES // 2, graph.state])
    return graph.finish("whisper-encoder")


def decoder(weights, with_past):
    graph = Graph(weights)
    length = 1 if with_past else "decoder_sequence_length"
    past, present = "past_decoder_sequence_length", "present_decoder_sequence_length" if with_past else length
    ids = graph.input("input_ids", TensorProto.INT64, [BATCH, length])
    mask = None
    if with_past:
        caches = {}
        for number in layers_of(weights, "decoder"):
            for side, positions in (("decoder", past), ("encoder", "encoder_sequence_length")):
                for what in FEATURE:
                    name = f"past_key_values.{number}.{side}.{what}"
                    caches[number, side, what] = graph.input(name, TensorProto.FLOAT,
                                                             [BATCH, graph.heads, positions, HEAD_SIZE])
        begin = graph.node("Shape", [caches[0, "decoder", "key"]], start=2, end=3)
        end = graph.node("Add", [begin, graph.numbers(1)])
    else:
        heard = graph.input("encoder_hidden_states", TensorProto.FLOAT, [BATCH, "encoder_sequence_length", graph.state])
        begin, end = graph.numbers(0), graph.node("Shape", [ids], start=1, end=2)
        most = weights["decoder/position_encodings/encodings"].shape[0]
        future = graph.constant("future", np.triu(np.full((most, most), -1e9, np.float32), 1))
        mask = graph.node("Slice", [future, graph.numbers(0, 0), graph.node("Concat", [end, end], axis=0)])
    positions = graph.node("Slice", [graph.weight("decoder/position_encodings/encodings"), begin, end,
                                     graph.numbers(0)])
    embedding = graph.weight("decoder/embeddings/weight")
    x = graph.node("Add", [graph.node("Gather", [embedding, ids]), positions])
    for number in layers_of(weights, "decoder"):
        at = f"decoder/layer_{number}/"
        both = graph.linear(graph.norm(x, at + "self_attention/layer_norm"), at + "self_attention/linear_0")
        query, key, value = map(graph.by_head, graph.split(both, 3))
        if with_past:
            key, value = (graph.node("Concat", [caches[number, "decoder", what], new], axis=2)
                          for what, new in zip(FEATURE, (key, value)))
        key, value = (graph.output(f"present.{number}.decoder.{what}", cache,
                                   [BATCH, graph.heads, present, HEAD_SIZE])
                      for what, cache in zip(FEATURE, (key, value)))
        x = graph.node("Add", [x, graph.linear(graph.attend(query, key, value, mask), at + "self_attention/linear_1")])

        query = graph.by_head(graph.linear(graph.norm(x, at + "attention/layer_norm"), at + "attention/linear_0"))
        if with_past:
            key, value = (caches[number, "encoder", what] for what in FEATURE)
        else:
            key, value = map(graph.by_head, graph.split(graph.linear(heard, at + "attention/linear_1"), 2))
            key, value = (graph.output(f"present.{number}.encoder.{what}", cache,
                                       [BATCH, graph.heads, "encoder_sequence_length", HEAD_SIZE])
                          for what, cache in zip(FEATURE, (key, value)))
        x = graph.node("Add", [x, graph.linear(graph.attend(query, key, value), at + "attention/linear_2")])
        x = graph.feed_forward(x, at + "ffn")
    words = graph.node("Transpose", [embedding], perm=[1, 0])
    logits = graph.node("MatMul", [graph.norm(x, "decoder/layer_norm"), words])
    graph.output("logits", logits, [BATCH, length, weights["decoder/embeddings/weight"].shape[0]])
    graph.outputs.insert(0, graph.outputs.pop())
    return graph.finish("whisper-decoder-with-past" if with_past else "whisper-decoder")
