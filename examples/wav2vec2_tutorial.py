#!/usr/bin/env python3
"""The published tutorial, "Build a privacy-by-design voice assistant", as a program: audio in, text out, and the server
proves before it gets anything that it cannot keep the audio.

    ./run tutorial                       # real weights from the model hub, where it can be reached
    ./run tutorial --random-weights      # a model of the same shape; the text means nothing, the numbers are compared

A server must listen at BLINDAI_ADDR (./run tutorial starts one in simulation).
"""

import argparse
import json
import pathlib
import sys
import tempfile
import time
import uuid
import warnings

import blindai
import soundfile
import torch
from transformers import (Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC,
                          Wav2Vec2Processor)

MODELS = pathlib.Path(__file__).resolve().parent.parent / "models/blindai-demo-en"
HUB_NAME = "facebook/wav2vec2-base-960h"


class ArgmaxLayer(torch.nn.Module):
    """Takes the index of the best character of each frame, so that the server returns no more than that."""

    def __init__(self):
        super().__init__()

    def forward(self, outputs):
        return torch.argmax(outputs.logits, dim=-1)


def load(random_weights):
    """(processor, model): from the hub, or wav2vec2-base with random weights and the same vocabulary."""
    if not random_weights:
        return Wav2Vec2Processor.from_pretrained(HUB_NAME), Wav2Vec2ForCTC.from_pretrained(HUB_NAME)
    torch.manual_seed(7)
    vocabulary = MODELS / "vocab.json"
    extractor = Wav2Vec2FeatureExtractor(**json.loads((MODELS / "preprocessor_config.json").read_text()))
    tokenizer = Wav2Vec2CTCTokenizer(str(vocabulary), do_lower_case=False)
    return Wav2Vec2Processor(extractor, tokenizer), Wav2Vec2ForCTC(Wav2Vec2Config(vocab_size=tokenizer.vocab_size))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--random-weights", action="store_true")
    arguments.add_argument("--audio", type=pathlib.Path, default=MODELS / "hello_world.wav")
    given = arguments.parse_args()

    # The model, with a layer that takes the argmax behind it
    processor, model = load(given.random_weights)
    model = torch.nn.Sequential(model, ArgmaxLayer()).eval()

    # The audio
    samples, rate = soundfile.read(given.audio, dtype="float32")
    input_values = processor(samples, sampling_rate=rate, return_tensors="pt").input_values

    warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)  # the shapes are fixed on purpose
    with tempfile.TemporaryDirectory() as folder:
        path = str(pathlib.Path(folder, "wav2vec2_hello_world.onnx"))
        torch.onnx.export(model, input_values, path, export_params=True, opset_version=11,
                          input_names=["input"], output_names=["output"])

        model_id = "wav2vec2-" + str(uuid.uuid4())
        with blindai.connect(simulation=True) as client:
            begin = time.monotonic()
            client.upload_model(path, model_id=model_id)
            uploaded = time.monotonic()
            response = client.predict(model_id, input_values)
            answered = time.monotonic()
            client.delete_model(model_id)

    # From ids to text
    predicted_ids = response.output[0].as_torch()
    print("transcript:", processor.batch_decode(predicted_ids)[0])
    print(f"upload {uploaded - begin:.2f} s, predict {answered - uploaded:.2f} s, {predicted_ids.shape[-1]} frames")

    with torch.no_grad():
        expected = model(input_values)
    if predicted_ids.shape != expected.shape or not torch.equal(predicted_ids, expected):
        print("the server's ids differ from torch's", file=sys.stderr)
        return 1
    print("the server's ids equal torch's argmax in every frame")
    return 0


if __name__ == "__main__":
    sys.exit(main())
