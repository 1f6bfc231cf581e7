"""Nothing of a recording or its text stays in the memory of any of our processes once its request has ended."""

import os
import re
import time

import pytest

import blindai
import raw_http
from conftest import DEMO, children, start_server

SESSION = DEMO / "session.wav"
HELLO = DEMO / "hello_world.wav"
CANARY = "privacy-canary-" + "model"
KEYWORD = "ZQXJK" + "VWQZX"
SPEAKER = "Marker " + "Speaker 0451"
CHUNK = 1 << 22


def memory_of(pid):
    """The readable memory of a process, in pieces that overlap by the length of a marker."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            begin, end, rights = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
            at, end = int(begin, 16), int(end, 16)
            while rights[0] == "r" and at < end:
                try:
                    memory.seek(at)
                    piece = memory.read(min(CHUNK, end - at))
                except (OSError, OverflowError):
                    break  # pages of the kernel, and what was unmapped meanwhile
                if not piece:
                    break
                if piece.count(0) < len(piece):  # most of it was never touched
                    yield piece
                at += len(piece) if at + len(piece) == end or len(piece) <= 256 else len(piece) - 256


def found(server, markers):
    """(process, marker) of everything that still stands in the memory of the server and of its children."""
    seen = set()
    for pid in [server.process.pid, *children(server.process.pid)]:
        front = pid == server.process.pid
        # Workers get samples and nothing else, and are large.
        wanted = {name: marker for name, marker in markers.items() if front or name.startswith(("bytes", "floats"))}
        try:
            for piece in memory_of(pid):
                seen.update((front, name) for name, marker in wanted.items() if marker in piece)
        except (FileNotFoundError, ProcessLookupError):
            pass  # a decoder that ended
    return seen


def expect_nothing(server, markers):
    """Waits for the request's end, and then for its memory: what is forgotten to be wiped stays for ever."""
    end = time.monotonic() + 20
    while True:
        left = found(server, markers)
        if not left:
            return
        assert time.monotonic() < end, f"still in memory (front process, what): {sorted(left)}"
        time.sleep(0.2)  # tidy: allow sleep: the end of another process' request is told to nobody


def samples_of(path):
    """Three stretches of a recording: 48 bytes as the file has them, and as the decoder's floats."""
    import numpy as np
    data = np.frombuffer(path.read_bytes()[44:], np.int16)
    markers = {}
    for place in (0.3, 0.5, 0.7):
        at = int(len(data) * place) // 2 * 2
        at += int(np.argmax(np.abs(data[at:at + 16000].astype(np.int32)))) // 2 * 2  # where it is loud
        markers[f"bytes at {place}"] = data[at:at + 24].tobytes()
        channel = data[at:at + 48:2] if path == SESSION else data[at:at + 24]
        markers[f"floats at {place}"] = (channel.astype(np.float32) / 32768).tobytes()
    return markers


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A server of its own whose memory can be read, with the model; the text of the recordings as markers."""
    folder = tmp_path_factory.mktemp("privacy")
    with open(folder / "log", "w") as log, start_server(log) as server:
        try:
            os.close(os.open(f"/proc/{server.process.pid}/mem", os.O_RDONLY))
        except PermissionError:
            pytest.skip("only root may read the memory of a process that hides it")
        with blindai.connect(server.address, simulation=True) as client:
            client.upload_model(DEMO / "blindai-demo-en.onnx", model_id=CANARY, kind="ctc-speech")
            assert found(server, {"canary": CANARY.encode()}), "the search finds nothing at all"
            yield server, client


@pytest.fixture(scope="module")
def markers(watched):
    _, client = watched
    heard = client.transcribe(SESSION, CANARY, format="diarized_json")
    texts = {f"text {n}": segment["text"].encode() for n, segment in enumerate(heard.segments)
             if len(segment["text"]) >= 12}
    assert len(texts) > 3
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


def live_sound(seconds=25):
    """One channel of the recording in pieces of a fifth of a second, and its markers."""
    import numpy as np
    sound = np.frombuffer(SESSION.read_bytes()[44:], np.int16)[:seconds * 32000:2].copy()
    markers = {"keyword": KEYWORD.encode()}
    for place in (0.3, 0.6, 0.9):
        at = int(len(sound) * place)
        at += int(np.argmax(np.abs(sound[at:at + 16000].astype(np.int32))))
        markers[f"bytes at {place}"] = sound[at:at + 24].tobytes()
        markers[f"floats at {place}"] = (sound[at:at + 24].astype(np.float32) / 32768).tobytes()
    return [sound[at:at + 3200] for at in range(0, len(sound), 3200)], markers


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
