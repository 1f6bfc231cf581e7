"""Writes reference.json: what silero-vad's own program hears in our recordings, run by ONNX Runtime.

    models/silero-vad/reference.py UNPACKED_WHEEL

UNPACKED_WHEEL is the folder of silero_vad-6.2.3-py3-none-any.whl. blindai's tests expect these spans, in samples, and
every 25th probability.
"""

import json
import pathlib
import sys
import wave

import numpy

HERE = pathlib.Path(__file__).resolve().parent
DEMO = HERE.parent / "blindai-demo-en"


def first_channel(path):
    """The samples of a 16-bit recording's first channel, from -1 to 1."""
    with wave.open(str(path)) as file:
        samples = numpy.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples[:: file.getnchannels()].astype(numpy.float32) / 32768


def main(unpacked):
    sys.path.insert(0, unpacked)
    from silero_vad.sequence_vad import SileroVADSequence, get_speech_timestamps_sequence

    network = SileroVADSequence(pathlib.Path(unpacked) / "silero_vad/data/silero_vad_16k_sequence.onnx")
    reference = {}
    for name in ("hello_world.wav", "session.wav"):
        samples = first_channel(DEMO / name)
        spans = get_speech_timestamps_sequence(samples, network)
        probabilities = network.audio_forward(samples)[::25]
        reference[name] = {
            "spans": [[span["start"], span["end"]] for span in spans],
            "probabilities": [round(float(value), 4) for value in probabilities],
        }
    (HERE / "reference.json").write_text(json.dumps(reference) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
