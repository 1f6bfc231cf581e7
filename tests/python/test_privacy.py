"""Nothing of a recording or its text stays in the memory of any of our processes once its request has ended."""

import base64
import random
import threading
import time

import numpy as np
import pytest

import blindai
import raw_http
import silero_vad
from conftest import DEMO, children, start_server
from memory_search import (Wave, again_and_again, expect_nothing, found, memory_of, skip_if_unreadable,
                           standing_still, tear_off)

SESSION = DEMO / "session.wav"
HELLO = DEMO / "hello_world.wav"
CANARY = "privacy-canary-" + "model"
KEYWORD = "ZQXJK" + "VWQZX"
SPEAKER = "Marker " + "Speaker 0451"


def samples_of(path):
    """Three stretches of a recording: 48 bytes as the file has them, as the decoder's floats, and as a wave."""
    data = np.frombuffer(path.read_bytes()[44:], np.int16)
    markers = {}
    for place in (0.3, 0.5, 0.7):
        at = int(len(data) * place) // 2 * 2
        at += int(np.argmax(np.abs(data[at:at + 16000].astype(np.int32)))) // 2 * 2  # where it is loud
        markers[f"bytes at {place}"] = data[at:at + 24].tobytes()
        channel = data[at:at + 48:2] if path == SESSION else data[at:at + 24]
        markers[f"floats at {place}"] = (channel.astype(np.float32) / 32768).tobytes()
    markers["wave"] = Wave(data[at:at + 4000:2] if path == SESSION else data[at:at + 2000])
    return markers


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A server of its own whose memory can be read, with the model, and with the network that hears voices where it is
    there."""
    folder = tmp_path_factory.mktemp("privacy")
    config = silero_vad.config() if silero_vad.FILE.exists() else ""
    with open(folder / "log", "w") as log, start_server(log, config=config) as server:
        skip_if_unreadable(server)
        server.hears_voices = children(server.process.pid)
        with blindai.connect(server.address, simulation=True) as client:
            client.upload_model(DEMO / "blindai-demo-en.onnx", model_id=CANARY, kind="ctc-speech")
            assert found(server, {"canary": CANARY.encode()}), "the search finds nothing at all"
            yield server, client


def test_the_search_finds_the_sound_of_a_worker_that_runs(watched):
    """What is sought in workers can be found there, while the model hears it."""
    server, client = watched
    sound = np.frombuffer(SESSION.read_bytes()[44:], np.int16)[:15 * 32000:2]
    marker = {"wave": Wave(sound[5 * 16000:])}
    seen, end = set(), time.monotonic() + 120
    with again_and_again(lambda: client.transcribe(sound, CANARY)):
        while (False, "wave") not in seen:
            assert time.monotonic() < end
            with standing_still(children(server.process.pid)):
                seen = found(server, marker)
    expect_nothing(server, marker)


@pytest.mark.skipif(not silero_vad.FILE.exists(), reason=silero_vad.MISSING)
def test_the_search_finds_the_sound_of_the_worker_that_hears_voices(watched):
    server, client = watched
    sound = np.frombuffer(SESSION.read_bytes()[44:], np.int16)[::2]
    wave = Wave(sound[5 * 16000:15 * 16000])
    (worker,) = server.hears_voices
    seen, end = False, time.monotonic() + 120
    with again_and_again(lambda: client.transcribe(sound, CANARY)):
        while not seen:
            assert time.monotonic() < end
            time.sleep(random.uniform(0, 0.3))  # tidy: allow sleep: a worker that is always stopped hears nothing
            with standing_still([worker]):
                seen = any(wave.stands_in(piece) for piece in memory_of(worker))
    expect_nothing(server, {"wave": wave})


@pytest.fixture(scope="module")
def markers(watched):
    _, client = watched
    heard = client.transcribe(SESSION, CANARY, format="diarized_json")
    longest = sorted((segment["text"] for segment in heard.segments), key=len)[-5:]
    texts = {f"text {n}": text.encode() for n, text in enumerate(longest)}
    assert len(texts) == 5 and all(len(text) >= 12 for text in longest)
    return {"keyword": KEYWORD.encode(), "speaker": SPEAKER.encode(), **texts, **samples_of(SESSION)}


def test_after_answers_in_every_format(watched, markers):
    server, client = watched
    for format in ("json", "text", "srt", "vtt", "verbose_json", "diarized_json"):
        client.transcribe(SESSION, CANARY, format=format, speaker_names=[SPEAKER])
    expect_nothing(server, markers)


def test_after_a_stream_and_after_keywords(watched, markers):
    server, client = watched
    with client.transcribe(SESSION, CANARY, stream=True, keywords=[KEYWORD]) as stream:
        text = "".join(stream)
    expect_nothing(server, {**markers, "whole": text[:200].encode()})


def test_after_an_error(watched, markers, tmp_path):
    server, client = watched
    (tmp_path / "cut.wav").write_bytes(SESSION.read_bytes()[:3_000_000])
    with pytest.raises(blindai.ModelError):
        client.transcribe(tmp_path / "cut.wav", CANARY, speaker_names=[SPEAKER])
    expect_nothing(server, markers)


def test_after_a_client_that_leaves(watched, markers):
    server, client = watched

    def leave(done, total):
        if done > 20:
            raise KeyError

    with pytest.raises(KeyError):
        client.transcribe(SESSION, CANARY, progress=leave, keywords=[KEYWORD])
    expect_nothing(server, markers)


def test_after_an_upload_that_breaks_off(watched, markers):
    server, _ = watched
    body = (b"--X\r\nContent-Disposition: form-data; name=\"known_speaker_names[]\"\r\n\r\n" + SPEAKER.encode() +
            b"\r\n--X\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n" + SESSION.read_bytes())
    one = raw_http.open_socket(server)
    one.sendall(b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: a\r\n"
                b"Content-Type: multipart/form-data; boundary=X\r\nContent-Length: 99000000\r\n\r\n" + body)
    one.close()
    expect_nothing(server, markers)


def test_after_a_deadline(markers, tmp_path):
    (tmp_path / "server.toml").write_text("[limits]\ntranscription_deadline_ms = 1\n")
    with open(tmp_path / "log", "w") as log, start_server(log) as _:
        pass
    from simulated_server import SimulatedServer
    from conftest import BIN
    with open(tmp_path / "log", "w") as log, SimulatedServer("--config", str(tmp_path / "server.toml"),
                                                             program=BIN / "blindai-server", log=log) as server:
        with blindai.connect(server.address, simulation=True) as client:
            client.upload_model(DEMO / "blindai-demo-en.onnx", model_id=CANARY, kind="ctc-speech")
            with pytest.raises(blindai.ModelError) as error:
                client.transcribe(SESSION, CANARY, keywords=[KEYWORD])
            assert error.value.code == "deadline"
            expect_nothing(server, markers)


def test_while_a_job_waits_to_be_fetched_and_after_it(watched, markers):
    """A result that waits is sealed: what nobody has fetched cannot be read either."""
    server, client = watched
    job = client.transcribe_job(SESSION, CANARY, format="diarized_json", speaker_names=[SPEAKER], keywords=[KEYWORD])
    while job.status() not in ("completed", "failed"):
        time.sleep(0.1)  # tidy: allow sleep: a job's end is asked for, as its users do
    assert job.status() == "completed"
    expect_nothing(server, markers)
    assert len(job.result().segments) > 3
    expect_nothing(server, markers)


def test_after_jobs_that_are_cancelled_or_fail(watched, markers, tmp_path):
    server, client = watched
    client.transcribe_job(SESSION, CANARY, speaker_names=[SPEAKER], keywords=[KEYWORD]).cancel()
    (tmp_path / "cut.wav").write_bytes(SESSION.read_bytes()[:3_000_000])
    with pytest.raises(blindai.ModelError):
        client.transcribe_job(tmp_path / "cut.wav", CANARY, speaker_names=[SPEAKER]).result(60)
    expect_nothing(server, markers)


def test_a_connection_that_rests_keeps_nothing_of_its_last_request(watched):
    """Neither who asked, with which key, nor for what, although the connection stays open."""
    server, _ = watched
    marks = [f"Resting{number}Marker" for number in range(4)]
    head = (f"GET /v1/models/{marks[0]}?key={marks[1]} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {marks[2]}\r\n"
            f"X-Request: {marks[3]}\r\n\r\n")
    with raw_http.open_socket(server) as connection:
        connection.sendall(head.encode())
        assert b"HTTP/1.1 " in connection.recv(1 << 16)
        expect_nothing(server, {mark: mark.encode() for mark in marks})
        connection.sendall(head.encode())
        assert b"HTTP/1.1 " in connection.recv(1 << 16), "the connection was not kept"


def in_base64(marker):
    """What its middle looks like in a realtime message, whatever stands before it."""
    whole = len(marker) // 3 * 3 - 3
    return {f"base64 from {skip}": base64.b64encode(marker[skip:skip + whole]) for skip in range(3)}


def markers_of(sent, levels, heard):
    """Loud places of live sound: as the client's bytes, in base64, as the floats that they mean, and as the model's."""
    markers = {"keyword": KEYWORD.encode()}
    for place in (0.3, 0.6, 0.9):
        at = int(len(sent) * place)
        at += int(np.argmax(np.abs(levels[at:at + 8000].astype(np.int32))))
        markers[f"bytes at {place}"] = sent[at:at + 48].tobytes()
        markers[f"floats at {place}"] = (levels[at:at + 24].astype(np.float32) / 32768).tobytes()
    step = len(heard) // len(sent)
    return {**markers, **in_base64(sent[at:at + 48].tobytes()), "wave": Wave(heard[step * at:step * at + 2000])}


def live_sound(seconds=25):
    """One channel of the recording in pieces of a fifth of a second, and its markers."""
    sound = np.frombuffer(SESSION.read_bytes()[44:], np.int16)[:seconds * 32000:2].copy()
    return [sound[at:at + 3200] for at in range(0, len(sound), 3200)], markers_of(sound, sound, sound)


def test_after_a_live_stream(watched):
    server, client = watched
    pieces, markers = live_sound()
    texts = [event.text for event in client.transcribe_live(pieces, CANARY, keywords=[KEYWORD]) if event.final]
    long = {f"text {n}": text.encode() for n, text in enumerate(texts) if len(text) >= 12}
    assert long
    expect_nothing(server, {**markers, **long})


def test_after_a_live_stream_that_is_left_and_one_that_breaks_off(watched):
    server, client = watched
    pieces, markers = live_sound()
    heard = []
    with client.transcribe_live(pieces, CANARY, keywords=[KEYWORD]) as stream:
        for event in stream:
            heard.append(event.text)
            if event.final and len(event.text) >= 12:
                break

    def microphone():
        yield from pieces[:60]
        raise OSError

    with pytest.raises(OSError):
        for event in client.transcribe_live(microphone(), CANARY, keywords=[KEYWORD]):
            heard.append(event.text)
    texts = {f"text {n}": text.encode() for n, text in enumerate(heard) if len(text) >= 12}
    assert texts
    expect_nothing(server, {**markers, **texts})


def telephone_sound(seconds=25):
    """The same as a telephone has it, in µ-law at 8 kHz, and its markers; the waves are those of 16 kHz."""
    sound = np.frombuffer(SESSION.read_bytes()[44:], np.int16)[:seconds * 32000:2].astype(np.float64)
    spectrum = np.fft.rfft(sound)
    spectrum[3000 * len(sound) // 16000:] = 0  # so that every resampler gives the same
    narrow = np.fft.irfft(spectrum, len(sound))[::2]
    codes = np.arange(256)
    inverted = ~codes & 0xff
    levels = ((((inverted & 15) << 3) + 0x84) << ((inverted >> 4) & 7)) - 0x84
    levels = np.where(inverted & 0x80, -levels, levels)
    order = np.argsort(levels, kind="stable")
    nearest = np.abs(levels[order][:, None] - np.linspace(-32767, 32767, 65535)[None, ::16]).argmin(0)
    sent = order[nearest[((narrow.clip(-32767, 32767) + 32767) / 16).astype(int)]].astype(np.uint8)
    heard = levels[sent]
    spectrum = np.fft.rfft(heard)
    wide = np.fft.irfft(np.concatenate([spectrum, np.zeros(len(sound) // 2 + 1 - len(spectrum))]), len(sound))
    return [sent[at:at + 1600].tobytes() for at in range(0, len(sent), 1600)], markers_of(sent, heard, wide)


def test_after_live_sound_of_a_telephone(watched):
    """Its samples are expanded and resampled on their way."""
    server, client = watched
    pieces, markers = telephone_sound()
    heard = list(client.transcribe_live(pieces, CANARY, format="mulaw", keywords=[KEYWORD]))
    texts = {f"text {n}": event.text.encode() for n, event in enumerate(heard) if len(event.text) >= 12}
    assert texts
    expect_nothing(server, {**markers, **texts})


def test_after_a_live_stream_whose_model_fails(watched):
    server, client = watched
    client.upload_model(DEMO / "blindai-demo-en.onnx", model_id="dying", kind="ctc-speech")
    pieces, markers = live_sound()
    gone = threading.Event()

    def microphone():
        yield from pieces[:60]
        gone.wait(60)
        yield from pieces[60:]

    heard = []
    for event in client.transcribe_live(microphone(), "dying", keywords=[KEYWORD]):
        heard.append(event)
        if event.final and not gone.is_set():
            client.delete_model("dying")
            gone.set()
    assert "failed" in [event.kind for event in heard]
    texts = {f"text {n}": event.text.encode() for n, event in enumerate(heard) if len(event.text or "") >= 12}
    assert texts
    expect_nothing(server, {**markers, **texts})


def test_after_a_live_connection_that_is_torn_off(watched):
    server, _ = watched
    pieces, markers = live_sound()
    texts = tear_off(server, {"transcription": {"model": CANARY, "keywords": [KEYWORD]}}, pieces, pieces[-1])
    expect_nothing(server, {**markers, **{f"text {n}": text for n, text in enumerate(texts)}})
