"""`blindai gateway --wyoming`: the published Wyoming client, as Home Assistant uses it, against the real server."""

import asyncio
import struct
import wave

import pytest
from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop, wav_to_chunks
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong

from conftest import DEMO
from local_gateway import Gateway

HELLO = DEMO / "hello_world.wav"
PATIENCE_S = 120


@pytest.fixture(scope="module")
def gateway(server, speech):
    words = ["--simulation", "--wyoming", "127.0.0.1:0", "--wyoming-language", "en", "de"]
    with Gateway(server.address, *words) as running:
        yield running


def talk(gateway, *events):
    """What the gateway says to these events, until the text is whole or it closes the connection."""
    async def conversation():
        host, port = gateway.wyoming.split(":")
        heard = []
        async with AsyncTcpClient(host, int(port), read_timeout=PATIENCE_S) as client:
            for event in events:
                await client.write_event(event.event())
            while event := await client.read_event():
                heard.append(event)
                if event.type in ("info", "pong") or TranscriptStop.is_type(event.type):
                    break
        return heard

    return asyncio.run(conversation())


def chunks(path=HELLO, convert=None):
    """A recording as a satellite sends it, each chunk in another format where `convert` says so."""
    with wave.open(str(path)) as file:
        events = list(wav_to_chunks(file, 1024, start_event=True, stop_event=True))
    if convert is None:
        return events
    sound = [convert(event) for event in events if isinstance(event, AudioChunk)]
    first = sound[0]
    return [AudioStart(rate=first.rate, width=first.width, channels=first.channels), *sound, AudioStop()]


def words_of(heard):
    assert TranscriptStart.is_type(heard[0].type) and TranscriptStop.is_type(heard[-1].type)
    text = Transcript.from_event(heard[-2]).text
    assert "".join(TranscriptChunk.from_event(event).text for event in heard[1:-2]) == text
    assert heard[-2].data["verdict"] == "simulation"
    return text


def test_home_assistant_sees_the_models_and_what_they_understand(gateway, adder):
    (event,) = talk(gateway, Describe())
    (program,) = Info.from_event(event).asr
    assert program.installed and program.supports_transcript_streaming
    assert program.description.startswith("Simulation")
    assert {model.name: model.languages for model in program.models} == {"speech": ["en", "de"]}


def test_what_is_said_is_written_by_the_model_that_is_named_or_the_only_one(gateway):
    for transcribe in (Transcribe(name="speech", language="en-US"), Transcribe(language="en")):
        assert words_of(talk(gateway, transcribe, *chunks())) == "HELLO WORLD"


def samples(chunk):
    return struct.unpack(f"<{len(chunk.audio) // 2}h", chunk.audio)


def with_width(width):
    def convert(chunk):
        if width == 1:
            return AudioChunk(chunk.rate, 1, 1, bytes((value >> 8) + 128 for value in samples(chunk)))
        wide = b"".join((value << 8 * (width - 2)).to_bytes(width, "little", signed=True) for value in samples(chunk))
        return AudioChunk(chunk.rate, width, 1, wide)

    return convert


def twice_as_fast(chunk):
    return AudioChunk(chunk.rate * 2, 2, 1, b"".join(struct.pack("<hh", value, value) for value in samples(chunk)))


def four_channels(chunk):
    return AudioChunk(chunk.rate, 2, 4, b"".join(struct.pack("<4h", *[value] * 4) for value in samples(chunk)))


@pytest.mark.parametrize("convert", [with_width(3), with_width(4), twice_as_fast, four_channels],
                         ids=["24 bits", "32 bits", "32 kHz", "four channels"])
def test_sound_of_any_format_is_heard(gateway, convert):
    assert words_of(talk(gateway, *chunks(convert=convert))) == "HELLO WORLD"


def test_eight_bits_are_taken(gateway):
    assert "WORLD" in words_of(talk(gateway, *chunks(convert=with_width(1))))


def test_a_ping_is_answered(gateway):
    (event,) = talk(gateway, Ping(text="still there?"))
    assert Pong.from_event(event).text == "still there?"


def test_a_model_that_is_not_there_is_an_error_and_the_end(gateway):
    (event,) = talk(gateway, Transcribe(name="nobody"), *chunks())
    assert Error.from_event(event).code == "model-not-found"


def test_silence_of_no_length_is_an_error_and_the_end(gateway):
    (event,) = talk(gateway, AudioStart(rate=16000, width=2, channels=1), AudioStop())
    assert Error.is_type(event.type) and Error.from_event(event).code


def test_a_refused_server_hears_nothing(server):
    with Gateway(server.address, "--wyoming", "127.0.0.1:0") as refused:
        for events in ([Describe()], [Transcribe(name="speech"), AudioStart(rate=16000, width=2, channels=1)]):
            (event,) = talk(refused, *events)
            assert Error.from_event(event).code == "server-not-trusted"
            assert "[simulation]" in Error.from_event(event).text
