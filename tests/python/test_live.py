"""Live transcription by the Python package, against a real server with the demo model."""

import asyncio
import gc
import threading

import numpy as np
import pytest

import blindai
from conftest import DEMO, start_server

RATE = 16000
PIECE = 1600


def samples(name, channel=0):
    data = np.frombuffer((DEMO / name).read_bytes(), np.uint8)
    channels = int(data[22])
    return data[44:].view(np.int16)[channel::channels]


HELLO = samples("hello_world.wav")
SESSION = samples("session.wav")


def pieces(sound, size=PIECE):
    for at in range(0, len(sound), size):
        yield sound[at:at + size]


def finals(events):
    return [event.text for event in events if event.final]


@pytest.fixture(autouse=True)
def no_thread_stays():
    yield
    gc.collect()
    for thread in threading.enumerate():
        if thread.name == "blindai-live":
            thread.join(20)
            assert not thread.is_alive()


def file_text(client, speech, sound):
    return client.transcribe(np.asarray(sound), speech, format="text").strip()


def test_a_committed_whole_is_what_the_file_gives(client, speech):
    for sound in (HELLO, SESSION[:20 * RATE]):
        live = finals(client.transcribe_live(pieces(sound), speech, silence_ms=None))
        assert live == [file_text(client, speech, sound)]


def test_every_kind_of_sound_gives_the_same_text(client, speech):
    import torch
    wanted = ["HELLO WORLD"]
    floats = HELLO.astype(np.float32) / 32768
    for sound in (pieces(HELLO), pieces(floats), pieces(torch.from_numpy(floats)),
                  pieces(HELLO.astype("<i2").tobytes()), pieces(HELLO.tobytes(), 777),
                  [memoryview(HELLO.tobytes())], pieces(floats.astype(np.float64))):
        assert finals(client.transcribe_live(sound, speech, silence_ms=None)) == wanted


def test_events_tell_an_utterance_from_its_start_to_its_text(client, speech):
    sound = np.concatenate([HELLO, np.zeros(RATE, np.int16)])
    events = list(client.transcribe_live(pieces(sound), speech, partials=False))
    assert [event.kind for event in events] == ["started", "stopped", "final"]
    assert len({event.utterance for event in events}) == 1
    started, stopped, final = events
    assert 0 <= started.start < stopped.end <= len(sound) / RATE
    assert "WORLD" in final.text and final.text == " ".join(word["word"] for word in final.words)
    assert final.start <= final.words[0]["start"] < final.words[-1]["end"]
    assert final.latency > 0 and final.error is None


def test_a_partial_comes_while_somebody_speaks(client, speech):
    heard = threading.Event()

    def sound():
        yield HELLO[:12800]
        heard.wait(60)  # the model has kept up
        yield np.concatenate([HELLO[12800:], np.zeros(RATE, np.int16)])

    events = []
    for event in client.transcribe_live(sound(), speech):
        events.append(event)
        if event.kind == "partial":
            heard.set()
    kinds = [event.kind for event in events]
    assert kinds.index("started") < kinds.index("partial") < kinds.index("final")
    assert all(event.text and not event.final for event in events if event.kind == "partial")


def test_silence_and_no_sound_have_no_events(client, speech):
    assert list(client.transcribe_live(pieces(np.zeros(2 * RATE, np.int16)), speech)) == []
    assert list(client.transcribe_live([], speech)) == []


def test_a_commit_ends_the_utterance(client, speech):
    heard = threading.Event()

    def sound():
        yield HELLO
        heard.wait(60)
        yield HELLO

    with client.transcribe_live(sound(), speech, silence_ms=None, partials=True) as live:
        for event in live:
            if event.kind == "partial":
                live.commit()
                break
        first = next(event for event in live if event.final)
        heard.set()
        assert first.text
        assert len(finals(live)) == 1


def test_what_the_iterator_raises_is_raised(client, speech):
    def sound():
        yield HELLO
        raise KeyError("microphone")

    live = client.transcribe_live(sound(), speech)
    with pytest.raises(KeyError, match="microphone"):
        list(live)
    assert list(live) == []


@pytest.mark.parametrize("piece", ["text", np.zeros((2, 10), np.int16), np.zeros(10, np.int32), None])
def test_a_piece_that_is_no_sound_is_an_error(client, speech, piece):
    with pytest.raises((TypeError, ValueError), match="sound|samples"):
        list(client.transcribe_live([piece], speech))


def test_leaving_early_ends_the_connection_and_the_thread(client, speech, server):
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield HELLO
        finally:
            closed.set()

    for event in client.transcribe_live(endless(), speech):
        break
    del event
    gc.collect()
    assert closed.wait(60), "the generator was not closed"
    with client.transcribe_live(endless(), speech) as live:
        next(live)
    assert list(live) == []


def test_an_iterator_that_waits_does_not_keep_anybody(client, speech):
    release = threading.Event()

    def sound():
        yield HELLO
        release.wait(60)

    live = client.transcribe_live(sound(), speech, silence_ms=None)
    next(live)
    live.close()
    assert list(live) == []
    release.set()


def test_wrong_arguments_are_found_before_they_are_sent(client, speech):
    for wrong in ({"format": "mp3"}, {"rate": 7999}, {"rate": 96000}, {"silence_ms": 1}, {"threshold": 2}):
        with pytest.raises(ValueError):
            client.transcribe_live([], speech, **wrong)
    with pytest.raises(TypeError):
        client.transcribe_live([], speech, keywords="hello")
    with pytest.raises(TypeError):
        client.transcribe_live(HELLO, speech)


def test_refusals_have_their_names(client, speech):
    with pytest.raises(blindai.ModelError) as unknown:
        client.transcribe_live([], "nobody")
    assert unknown.value.code == "model-not-found"
    with pytest.raises(blindai.ModelError) as keyword:
        client.transcribe_live([], speech, keywords=["24"])
    assert keyword.value.code == "keyword"


def test_a_server_that_is_lost_is_a_connection_error(tmp_path):
    with open(tmp_path / "log", "w") as log, start_server(log) as server:
        with blindai.connect(server.address, simulation=True) as client:
            client.upload_model(DEMO / "blindai-demo-en.onnx", model_id="speech", kind="ctc-speech")

            def sound():
                yield HELLO
                server.process.kill()
                while True:
                    yield HELLO

            with pytest.raises(blindai.ConnectionError):
                list(client.transcribe_live(sound(), "speech"))


def run(server, work):
    async def connected():
        async with blindai.AsyncClient(server.address, simulation=True, max_connections=1) as client:
            return await work(client)

    return asyncio.run(connected())


def test_async_from_an_async_iterator_and_from_an_iterator(server, speech):
    async def microphone():
        for piece in pieces(HELLO):
            yield piece

    async def work(client):
        return [[event.text async for event in client.transcribe_live(sound, speech, silence_ms=None) if event.final]
                for sound in (microphone(), pieces(HELLO))]

    assert run(server, work) == [["HELLO WORLD"], ["HELLO WORLD"]]


def test_async_what_the_iterator_raises_is_raised_and_leaving_early_closes_it(server, speech):
    closed = []

    async def broken():
        yield HELLO
        raise KeyError("microphone")

    async def endless():
        try:
            while True:
                yield HELLO
        finally:
            closed.append(True)

    async def work(client):
        with pytest.raises(KeyError, match="microphone"):
            async for _ in client.transcribe_live(broken(), speech):
                pass
        async with client.transcribe_live(endless(), speech) as live:
            async for _ in live:
                break
        assert closed == [True]
        with pytest.raises(blindai.ModelError):
            async for _ in client.transcribe_live(endless(), "nobody"):
                pass

    run(server, work)


def test_async_a_cancelled_task_ends_the_stream(server, speech):
    async def work(client):
        asked = asyncio.Event()

        async def silent():
            asked.set()
            await asyncio.Event().wait()
            yield b""

        async def listen():
            async for _ in client.transcribe_live(silent(), speech):
                pass

        task = asyncio.create_task(listen())
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(server, work)
