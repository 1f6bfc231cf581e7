"""The published `openai` package against the server: what its users write works here, errors included."""

import base64
import io
import ssl
import wave

import openai
import pytest

from conftest import DEMO

HELLO = DEMO / "hello_world.wav"
SESSION = DEMO / "session.wav"


def trusting(server):
    """OpenAI's client. It cannot check evidence, so here it trusts any certificate: only for tests."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return openai.OpenAI(base_url=f"https://{server.address}/v1", api_key="unused", max_retries=0,
                         http_client=openai.DefaultHttpxClient(verify=context, trust_env=False))


@pytest.fixture
def api(server, speech):
    with trusting(server) as client:
        yield client


def test_models_are_listed(api):
    assert "speech" in [model.id for model in api.models.list()]


def test_a_recording_becomes_text(api):
    with open(HELLO, "rb") as file:
        heard = api.audio.transcriptions.create(model="speech", file=file)
    assert heard.text.startswith("HELLO")
    assert heard.usage.type == "duration" and heard.usage.seconds == pytest.approx(1.64, abs=0.05)


def test_the_plain_formats_are_strings(api):
    for response_format, begin in (("text", "HELLO"), ("srt", "1\n00:00:0"), ("vtt", "WEBVTT")):
        text = api.audio.transcriptions.create(model="speech", file=HELLO, response_format=response_format)
        assert text.startswith(begin), response_format


def test_verbose_json_has_segments_and_words(api):
    heard = api.audio.transcriptions.create(model="speech", file=HELLO, response_format="verbose_json", language="en",
                                            timestamp_granularities=["word", "segment"])
    assert heard.language == "en"
    assert heard.duration == pytest.approx(1.64, abs=0.05)
    assert " ".join(word.word for word in heard.words) == heard.text
    assert heard.segments[0].id == 0 and heard.segments[0].tokens == []
    assert heard.segments[0].avg_logprob < 0 < heard.segments[0].compression_ratio


def test_diarized_json_has_speakers(api):
    heard = api.audio.transcriptions.create(model="speech", file=SESSION, response_format="diarized_json",
                                            chunking_strategy="auto")
    assert {segment.speaker for segment in heard.segments} == {"A", "B"}
    assert heard.segments[0].id == "seg_001"


def test_logprobs_and_an_object_of_chunking(api):
    heard = api.audio.transcriptions.create(
        model="speech", file=HELLO, include=["logprobs"],
        chunking_strategy={"type": "server_vad", "silence_duration_ms": 300, "threshold": 0.5})
    assert "".join(entry.token for entry in heard.logprobs) == heard.text
    assert all(entry.logprob <= 0 for entry in heard.logprobs)
    assert bytes(map(int, heard.logprobs[0].bytes)).decode() == heard.logprobs[0].token


def test_the_deltas_of_a_stream_are_the_text(api):
    events = list(api.audio.transcriptions.create(model="speech", file=SESSION, stream=True))
    assert events[-1].type == "transcript.text.done"
    assert "".join(event.delta for event in events if event.type == "transcript.text.delta") == events[-1].text


def test_a_diarized_stream_has_segments(api):
    events = list(api.audio.transcriptions.create(model="speech", file=SESSION, stream=True,
                                                  response_format="diarized_json"))
    segments = [event for event in events if event.type == "transcript.text.segment"]
    assert {segment.speaker for segment in segments} == {"A", "B"}
    assert " ".join(segment.text for segment in segments) == events[-1].text


@pytest.mark.parametrize("options, error, code, param", [
    ({"model": "nobody"}, openai.NotFoundError, "model-not-found", "model"),
    ({"file": io.BytesIO(b"a letter")}, openai.BadRequestError, "audio-not-recognised", "file"),
    ({"file": io.BytesIO(b"")}, openai.BadRequestError, "audio-empty", "file"),
    ({"prompt": "Dear model"}, openai.BadRequestError, "prompt-unsupported", "prompt"),
    ({"temperature": 0.5}, openai.BadRequestError, "form-field", "temperature"),
    ({"response_format": "yaml"}, openai.BadRequestError, "form-field", "response_format"),
    ({"timestamp_granularities": ["word"]}, openai.BadRequestError, "form-field", "timestamp_granularities"),
])
def test_errors_have_openais_shape(api, options, error, code, param):
    with pytest.raises(error) as raised:
        api.audio.transcriptions.create(**{"model": "speech", "file": HELLO, **options})
    assert raised.value.code == code
    assert raised.value.param == param


def test_a_stream_that_fails_on_its_way_raises(api):
    cut = SESSION.read_bytes()[:1_000_000]
    with pytest.raises(openai.APIError) as raised:
        list(api.audio.transcriptions.create(model="speech", file=cut, stream=True, include=["progress"]))
    assert raised.value.code == "audio-truncated"


def test_translations_are_clearly_refused(api):
    with pytest.raises(openai.BadRequestError) as raised:
        api.audio.translations.create(model="speech", file=HELLO)
    assert raised.value.code == "translations-unsupported"


def live(server, **settings):
    """A realtime session of OpenAI's client, with these settings of the sound."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    manager = trusting(server).realtime.connect(extra_query={"intent": "transcription"},
                                                websocket_connection_options={"ssl": context}, max_retries=0)
    return manager, {"type": "transcription", "audio": {"input": {
        "format": {"type": "audio/pcm", "rate": 16000}, "transcription": {"model": "speech"}, **settings}}}


def samples():
    with wave.open(str(HELLO)) as file:
        return file.readframes(file.getnframes())


def append(connection, sound):
    for at in range(0, len(sound), 3200):
        connection.input_audio_buffer.append(audio=base64.b64encode(sound[at:at + 3200]).decode())


def until(connection, last):
    """The events up to the first one of the type `last`."""
    events = []
    for event in connection:
        events.append(event)
        if event.type == last:
            return events
        assert event.type != "error", event


COMPLETED = "conversation.item.input_audio_transcription.completed"


def test_live_sound_that_is_committed_becomes_text(server, speech):
    manager, session = live(server, turn_detection=None)
    with manager as connection:
        connection.session.update(session=session)
        append(connection, samples())
        connection.input_audio_buffer.commit()
        events = until(connection, COMPLETED)
    assert [event.type for event in events[:2]] == ["session.created", "session.updated"]
    deltas = [event for event in events if event.type == "conversation.item.input_audio_transcription.delta"]
    assert "".join(event.delta for event in deltas) == events[-1].transcript == "HELLO WORLD"
    assert {event.item_id for event in deltas} == {events[-1].item_id}


def test_live_sound_is_cut_where_it_is_silent(server, speech):
    manager, session = live(server, turn_detection={"type": "server_vad", "silence_duration_ms": 400})
    with manager as connection:
        connection.session.update(session=session)
        append(connection, samples() + bytes(32000))
        events = until(connection, COMPLETED)
    assert "WORLD" in events[-1].transcript
    kinds = [event.type for event in events]
    order = ["speech_started", "speech_stopped", "committed"]
    assert [kind.split(".")[-1] for kind in kinds if kind.split(".")[-1] in order] == order


def test_a_live_error_keeps_the_session(server, speech):
    manager, session = live(server, turn_detection=None)
    with manager as connection:
        connection.session.update(session={"type": "realtime"})
        error = next(event for event in connection if event.type == "error")
        assert error.error.code == "realtime-unsupported"
        connection.session.update(session=session)
        append(connection, samples())
        connection.input_audio_buffer.commit()
        assert until(connection, COMPLETED)[-1].transcript == "HELLO WORLD"
