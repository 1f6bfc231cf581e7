"""Whisper written down once more, plainly, to have something to compare with: log-mel features and greedy decoding with
timestamps, in float64 and a loop over ONNX Runtime. Nothing here is fast.
https://github.com/openai/whisper/blob/main/whisper/decoding.py (ApplyTimestampRules, SuppressBlank)
"""

import json
import pathlib
import wave

import numpy as np
import onnxruntime

RATE, N_FFT, HOP, WINDOW = 16_000, 400, 160, 480_000


def samples_of(path):
    """The first channel of a 16 kHz file of 16 bits, in -1 to 1, as much of it as fits a window."""
    path = pathlib.Path(path)
    if path.suffix == ".raw":
        return np.fromfile(path, "<i2", WINDOW) / 32768
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getsampwidth()) == (RATE, 2), path
        return np.frombuffer(file.readframes(WINDOW), "<i2")[::file.getnchannels()] / 32768


def mel_filters(bins):
    """Slaney's mel scale with triangles of equal area, as in librosa: [bins, 201]."""
    def to_mel(hz):
        return np.where(hz < 1000, hz * 3 / 200, 15 + np.log(np.maximum(hz, 1e-9) / 1000) * 27 / np.log(6.4))

    def to_hz(mel):
        return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))

    frequencies = np.linspace(0, RATE / 2, N_FFT // 2 + 1)
    edges = to_hz(np.linspace(0, to_mel(np.float64(RATE / 2)), bins + 2))
    rising = (frequencies - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequencies) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]


def log_mel(samples, bins=80):
    """What WhisperFeatureExtractor gives for one window: [bins, 3000]."""
    padded = np.zeros(WINDOW)
    padded[:min(len(samples), WINDOW)] = samples[:WINDOW]
    padded = np.pad(padded, N_FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP][:WINDOW // HOP]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)
    power = np.abs(np.fft.rfft(frames * hann)) ** 2
    log = np.log10(np.maximum(mel_filters(bins) @ power.T, 1e-10))
    return (np.maximum(log, log.max() - 8) + 4) / 4


class Model:
    """The files of an export, in a folder."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.encoder, self.decoder, self.with_past = (
            onnxruntime.InferenceSession(folder / f"{name}.onnx", providers=["CPUExecutionProvider"])
            for name in ("encoder_model", "decoder_model", "decoder_with_past_model"))
        self.generation = json.loads((folder / "generation_config.json").read_text())

    def encode(self, features):
        return self.encoder.run(None, {"input_features": features[None].astype(np.float32)})[0]

    def scores(self, encoded, prompt):
        """The decoder with its cache, as a coroutine: takes a token, gives the scores of the next one."""
        def run(session, inputs):
            outputs = dict(zip((port.name for port in session.get_outputs()), session.run(None, inputs)))
            caches.update({"past_key_values." + name[len("present."):]: value
                           for name, value in outputs.items() if name != "logits"})
            return outputs["logits"][0, -1].astype(np.float64)

        caches = {}
        token = yield run(self.decoder, {"input_ids": np.array([prompt], np.int64), "encoder_hidden_states": encoded})
        while True:
            token = yield run(self.with_past, {"input_ids": np.array([[token]], np.int64), **caches})

    def greedy(self, features):
        """Tokens of one window behind <|startoftranscript|>, timestamps among them, without the end of the text."""
        config = self.generation
        start, end = config["decoder_start_token_id"], config["eos_token_id"]
        first_timestamp = config["no_timestamps_token_id"] + 1
        decoder = self.scores(self.encode(features), [start])
        scores, said = next(decoder), []
        while len(said) < config["max_length"] // 2:
            self._apply_rules(scores, said, end, first_timestamp)
            token = int(scores.argmax())
            if token == end:
                break
            said.append(token)
            scores = decoder.send(token)
        return said

    def _apply_rules(self, scores, said, end, first_timestamp):
        """What may not be said now gets minus infinity."""
        scores[self.generation["suppress_tokens"] + [first_timestamp - 1]] = -np.inf
        if not said:
            scores[self.generation["begin_suppress_tokens"]] = -np.inf
            scores[:first_timestamp] = -np.inf
            scores[first_timestamp + self.generation["max_initial_timestamp_index"] + 1:] = -np.inf
            return
        last_is, before_is = said[-1] >= first_timestamp, len(said) < 2 or said[-2] >= first_timestamp
        if last_is and before_is:
            scores[first_timestamp:] = -np.inf
        elif last_is:
            scores[:end] = -np.inf
        timestamps = [token for token in said if token >= first_timestamp]
        if timestamps:
            closing = last_is and not before_is
            scores[first_timestamp:timestamps[-1] + (0 if closing else 1)] = -np.inf
        largest = scores.max()
        weights = np.exp(scores - largest)
        if weights[first_timestamp:].sum() > weights[:first_timestamp].max():
            scores[:first_timestamp] = -np.inf
