"""Silero's voice activity network for the tools and tests of this repository; ./run model silero-vad gets it."""

from simulated_server import ROOT

FOLDER = ROOT / "build/models/silero-vad"
FILE = FOLDER / "silero_vad_16k_sequence.onnx"
MISSING = "no voice activity network; `./run model silero-vad` gets it"


def config():
    """What a server's configuration says to use it."""
    sums = (ROOT / "models/silero-vad/SHA256SUMS").read_text().splitlines()
    digest = next(line.split()[0] for line in sums if line.endswith(FILE.name))
    return f'[voice_activity]\nfile = "{FILE}"\nsha256 = "{digest}"\n'
