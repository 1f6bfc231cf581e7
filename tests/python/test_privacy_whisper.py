"""Nothing of a recording or its text stays in memory once a request to a Whisper model has ended, however it ends.

What is sought: samples as the file has them and as floats, features of the spectrogram (as a wave, whatever their
scale), tokens as the model reads and writes them, and text.
"""

import base64
import json
import time
import wave

import numpy as np
import pytest

import blindai
from conftest import BIN, DEMO, WHISPER, SimulatedServer, children, needs_whisper
from memory_search import (Wave, again_and_again, expect_nothing, found, skip_if_unreadable, standing_still,
                           tear_off)

MODEL = "privacy-canary-" + "whisper"
RATE = 16_000
SECONDS = 25
# Words that are one token each behind a space, and are not said in the recording.
PROMPT = "purple elephants cannot " + "negotiate contracts beneath volcanic mountains"

pytestmark = needs_whisper


def tokens_of(words):
    """The longest run of words that are one token each: as the model gets it (64 bits) and as runs carry it (32)."""
    vocabulary = json.loads((WHISPER / "tokenizer.json").read_text())["model"]["vocab"]
    runs = [[]]
    for word in words.split():
        token = vocabulary.get(f"Ġ{word}")
        if token is None:
            runs.append([])
        else:
            runs[-1].append(token)
    longest = max(runs, key=len)[:6]
    assert len(longest) >= 4, "too few to be told from other numbers"
    # Workers are searched for what is called bytes.
    return {"bytes of tokens, 32 bits": np.array(longest, "<i4").tobytes(),
            "bytes of tokens, 64 bits": np.array(longest, "<i8").tobytes()}


def a_row_of_features(sound):
    """How loud band 20 of the 80 of Whisper's spectrogram is, every 10 ms of a loud stretch, in powers of ten."""
    # A frame's middle lies on a multiple of 160 samples, and so does a window's begin.
    frames = np.lib.stride_tricks.sliding_window_view(sound[120:].astype(np.float64) / 32768, 400)[::160]
    power = np.abs(np.fft.rfft(frames * np.hanning(401)[:400], axis=1)) ** 2
    low, middle, high = (1000 * np.exp((mel - 15) * np.log(6.4) / 27) if mel > 15 else mel * 200 / 3
                         for mel in np.array([20, 21, 22]) * 45.245640471924965 / 81)
    hertz = np.arange(201) * 40
    filter_ = np.maximum(0, np.minimum((hertz - low) / (middle - low), (high - hertz) / (high - middle)))
    row = np.log10(np.maximum(power @ filter_, 1e-10))
    loudest = int(np.argmax(np.lib.stride_tricks.sliding_window_view(row, 60).min(axis=1)))
    return row[loudest:loudest + 60]


def markers_of(sound):
    at = int(np.argmax(np.abs(sound[:20 * RATE].astype(np.int32))))
    sent = sound[at:at + 24].tobytes()
    return {"bytes of samples": sent,
            "floats of samples": (sound[at:at + 24].astype(np.float32) / 32768).tobytes(),
            **{f"base64 from {skip}": base64.b64encode(sent[skip:skip + 45]) for skip in range(3)},
            "prompt": PROMPT.encode(), **tokens_of(PROMPT)}


def texts_of(texts):
    long = [text.encode() for text in texts if len(text) >= 12]
    assert long
    return {f"text {number}": text for number, text in enumerate(sorted(long, key=len)[-4:])}


@pytest.fixture(scope="module")
def sound():
    return np.frombuffer((DEMO / "session.wav").read_bytes()[44:], np.int16)[:2 * SECONDS * RATE:2].copy()


@pytest.fixture(scope="module")
def recording(tmp_path_factory, sound):
    path = tmp_path_factory.mktemp("sound") / "session.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(sound.tobytes())
    return path


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A server of its own whose memory can be read, with the model."""
    with open(tmp_path_factory.mktemp("privacy") / "log", "w") as log, SimulatedServer(log=log) as server:
        skip_if_unreadable(server)
        with blindai.connect(server.address, simulation=True) as client:
            client.upload_model(WHISPER, model_id=MODEL, kind="whisper")
            assert found(server, {"canary": MODEL.encode()}), "the search finds nothing at all"
            yield server, client


@pytest.fixture(scope="module")
def markers(watched, sound, recording):
    _, client = watched
    heard = client.transcribe(recording, MODEL)
    return {**markers_of(sound), **texts_of([segment["text"] for segment in heard.segments])}


def expect_nothing_of(server, markers, sound):
    """The waves, whose search takes long, once the rest is gone."""
    expect_nothing(server, markers)
    expect_nothing(server, {"wave of features": Wave(a_row_of_features(sound))})


def test_the_search_finds_each_kind_of_thing_while_the_model_hears_it(watched, markers, sound, recording):
    """In the worker features and tokens, in the front process samples and text too."""
    server, client = watched
    features = {"wave of features": Wave(a_row_of_features(sound))}
    must = {(False, "wave of features"), (False, "bytes of tokens, 64 bits"), (False, "bytes of tokens, 32 bits"),
            (True, "floats of samples"), (True, "wave of features"), (True, "prompt")}
    seen, end = set(), time.monotonic() + 120
    with again_and_again(lambda: client.transcribe(recording, MODEL, keywords=[PROMPT])):
        while not must <= seen:
            assert time.monotonic() < end, f"never found: {must - seen}"
            with standing_still([server.process.pid, *children(server.process.pid)]):
                now = found(server, markers)
                if (False, "bytes of tokens, 32 bits") in now:
                    now |= found(server, features)
                seen |= now
            time.sleep(0.2)  # tidy: allow sleep: they go on for a while
    expect_nothing_of(server, markers, sound)


def test_after_answers_and_a_stream(watched, markers, sound, recording):
    server, client = watched
    client.transcribe(recording, MODEL, format="srt", keywords=[PROMPT])
    client.transcribe(recording, MODEL, timestamp_granularities=["word"], keywords=[PROMPT], beam_size=2)
    with client.transcribe(recording, MODEL, stream=True, keywords=[PROMPT]) as stream:
        assert "".join(stream)
    expect_nothing_of(server, markers, sound)


def test_after_an_error_and_a_client_that_leaves(watched, markers, sound, recording, tmp_path):
    server, client = watched
    (tmp_path / "cut.wav").write_bytes(recording.read_bytes()[:-200_000])
    with pytest.raises(blindai.ModelError):
        client.transcribe(tmp_path / "cut.wav", MODEL, keywords=[PROMPT])

    def leave(done, total):
        if done > 0:
            raise KeyError

    with pytest.raises(KeyError):
        client.transcribe(DEMO / "session.wav", MODEL, progress=leave, keywords=[PROMPT])
    expect_nothing_of(server, markers, sound)


def test_after_a_deadline_in_the_middle(markers, sound, tmp_path):
    (tmp_path / "server.toml").write_text("[limits]\ntranscription_deadline_ms = 1500\n")
    with open(tmp_path / "log", "w") as log, SimulatedServer("--config", str(tmp_path / "server.toml"),
                                                             program=BIN / "blindai-server", log=log) as server:
        with blindai.connect(server.address, simulation=True) as client:
            client.upload_model(WHISPER, model_id=MODEL, kind="whisper")
            with pytest.raises(blindai.ModelError) as error:
                client.transcribe(DEMO / "session.wav", MODEL, keywords=[PROMPT], beam_size=5)
            assert error.value.code == "deadline"
            expect_nothing_of(server, markers, sound)
            assert client.transcribe(DEMO / "hello_world.wav", MODEL).text, "the worker is free, or a new one is"


def test_while_a_job_waits_to_be_fetched_after_it_and_after_one_that_is_cancelled(watched, markers, sound, recording):
    server, client = watched
    job = client.transcribe_job(recording, MODEL, keywords=[PROMPT])
    while job.status() not in ("completed", "failed"):
        time.sleep(0.1)  # tidy: allow sleep: a job's end is asked for, as its users do
    expect_nothing(server, markers)
    assert job.result().text
    client.transcribe_job(DEMO / "session.wav", MODEL, keywords=[PROMPT]).cancel()
    expect_nothing_of(server, markers, sound)


def pieces_of(sound):
    return [sound[at:at + 3200] for at in range(0, len(sound), 3200)]


def test_after_a_live_stream_and_one_that_is_left(watched, markers, sound):
    server, client = watched
    texts = [event.text for event in client.transcribe_live(pieces_of(sound), MODEL, keywords=[PROMPT])]
    texts += [event.text for event in client.transcribe_live(pieces_of(sound), MODEL, delay="low", keywords=[PROMPT])]
    with client.transcribe_live(pieces_of(sound), MODEL, keywords=[PROMPT]) as stream:
        for event in stream:
            if event.kind == "partial":
                break  # in the middle of an utterance
    expect_nothing_of(server, {**markers, **texts_of([text for text in texts if text])}, sound)


def test_after_a_live_connection_that_is_torn_off(watched, markers, sound):
    """In the middle of a run too."""
    server, client = watched
    pieces = pieces_of(sound)
    audio_input = {"turn_detection": None, "transcription": {"model": MODEL, "keywords": [PROMPT]}}
    texts = tear_off(server, audio_input, pieces[:60], pieces[-1])
    expect_nothing_of(server, {**markers, **texts_of([text.decode() for text in texts])}, sound)
    assert client.transcribe(DEMO / "hello_world.wav", MODEL).text, "the worker is free"
