#!/usr/bin/env python3
"""Makes the models that ./run bench measures with, in the given folder: nothing is downloaded, weights are random.

    export_models.py FOLDER

wav2vec2-base.onnx: the true shape of wav2vec2-base (94 million parameters) with any batch and length, so that times and
memory are real and the text means nothing. add_one.onnx and sum.onnx: tiny, to measure what surrounds a model.
"""

import pathlib
import sys
import warnings

import torch
from transformers import Wav2Vec2Config, Wav2Vec2ForCTC


class Logits(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(7)
        self.model = Wav2Vec2ForCTC(Wav2Vec2Config())

    def forward(self, input_values):
        return self.model(input_values).logits


class AddOne(torch.nn.Module):
    def forward(self, x):
        return x + 1


class Sum(torch.nn.Module):
    def forward(self, x):
        return x.sum(dim=1)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)
    samples = {"input_values": {0: "batch", 1: "samples"}, "logits": {0: "batch", 1: "frames"}}
    torch.onnx.export(Logits().eval(), torch.randn(1, 16000), folder / "wav2vec2-base.onnx", opset_version=14,
                      input_names=["input_values"], output_names=["logits"], dynamic_axes=samples)
    for name, model in (("add_one", AddOne()), ("sum", Sum())):
        torch.onnx.export(model, torch.randn(1, 4), folder / f"{name}.onnx", opset_version=14, input_names=["x"],
                          output_names=["y"], dynamic_axes={"x": {0: "batch", 1: "n"}, "y": {0: "batch"}})


if __name__ == "__main__":
    main()
