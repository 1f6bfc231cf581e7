"""A recording as text: what ``Client.transcribe`` takes and gives."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import queue
import struct
import threading
from typing import Any, AsyncIterator, Callable, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np

from . import _datatypes, _native

TimeProgress = Callable[[float, float], object]

FORMATS = ("json", "text", "srt", "vtt", "verbose_json", "diarized_json")
_JSON_FORMATS = ("json", "verbose_json", "diarized_json")


class Transcription:
    """What was said, with times. ``str()`` of it is the text.

    ``segments``, ``words`` and ``coverage`` are lists of dicts as OpenAI's API names their fields (``start`` and
    ``end`` are seconds); those that were not asked for are empty.
    """

    def __init__(self, fields: Dict[str, Any]) -> None:
        self._fields = fields

    @property
    def text(self) -> str:
        return str(self._fields["text"])

    @property
    def duration(self) -> float:
        """Seconds of the recording."""
        return float(self._fields["usage"]["seconds"])

    @property
    def language(self) -> Optional[str]:
        """ISO 639-1, where somebody said it."""
        language = self._fields.get("language")
        return None if language == "und" else language

    @property
    def segments(self) -> List[Dict[str, Any]]:
        return list(self._fields.get("segments", []))

    @property
    def words(self) -> List[Dict[str, Any]]:
        return list(self._fields.get("words", []))

    @property
    def coverage(self) -> List[Dict[str, Any]]:
        """What became of each moment: "transcribed", "silence" or "low_confidence"."""
        return list(self._fields.get("coverage", []))

    def to_dict(self) -> Dict[str, Any]:
        """Everything, as the server answered."""
        return dict(self._fields)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<blindai.Transcription of {self.duration:.1f} s>"


Result = Union[str, Transcription]


class TranscriptionStream:
    """The text piece by piece, as the server knows it: ``for piece in client.transcribe(path, stream=True): …``

    The pieces joined are the text. ``result`` is what the call without ``stream`` gives; it waits for the end. Leaving
    the stream early (``close``, or the end of a ``with`` block) ends the work on the server too.
    """

    def __init__(self, run: Callable[[Callable[[str, Any], object]], Result]) -> None:
        self._events: "queue.Queue[Tuple[str, Any]]" = queue.Queue()
        self._open = True
        self._ended: Optional[Tuple[str, Any]] = None
        self._thread = threading.Thread(target=self._work, args=(run,), name="blindai-transcribe", daemon=True)
        self._thread.start()

    @property
    def result(self) -> Result:
        for _ in self:
            pass
        kind, value = self._ended or ("error", RuntimeError("the stream was closed"))
        if kind == "error":
            raise value
        return value

    def close(self) -> None:
        """Ends the work, unless it has ended."""
        self._open = False
        self._thread.join()
        self._ended = self._ended or ("error", RuntimeError("the stream was closed"))

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._ended is None:
            kind, value = self._events.get()
            if kind == "delta":
                return str(value)
            self._ended = (kind, value)
            if kind == "error":
                raise value
        raise StopIteration

    def __enter__(self) -> "TranscriptionStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _work(self, run: Callable[[Callable[[str, Any], object]], Result]) -> None:
        def on_event(kind: str, value: Any) -> bool:
            if kind == "delta":
                self._events.put((kind, value))
            return self._open

        try:
            self._events.put(("result", run(on_event)))
        except BaseException as error:  # noqa: B902 - it is raised where the stream is read
            self._events.put(("error", error))


class AsyncTranscriptionStream:
    """``TranscriptionStream``, awaitable: ``async for piece in await client.transcribe(path, stream=True)``."""

    def __init__(self, stream: TranscriptionStream, run: Callable[..., Any]) -> None:
        self._stream = stream
        self._run = run

    async def result(self) -> Result:
        return await self._run(lambda: self._stream.result)

    async def close(self) -> None:
        await self._run(self._stream.close)

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        piece = await self._run(functools.partial(next, self._stream, None))
        if piece is None:
            raise StopAsyncIteration
        return str(piece)

    async def __aenter__(self) -> "AsyncTranscriptionStream":
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.shield(self.close())


def fields_of(model: Optional[str], format: str, language: Optional[str], keywords: Sequence[str],
              alignment: Optional[str], timestamp_granularities: Sequence[str], include: Sequence[str],
              speaker_names: Sequence[str], silence_ms: Optional[int], beam_size: Optional[int],
              prompt: Optional[str]) -> List[Tuple[str, str]]:
    """The fields of OpenAI's form; the C++ client says what is wrong with them."""
    if format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}")
    if alignment is not None and prompt is not None:
        raise ValueError("alignment is the text that was said, and prompt steers one that is not known: give one")
    fields = [("response_format", format)]
    fields += [(name, value) for name, value in (("model", model), ("language", language), ("prompt", prompt))
               if value is not None]
    if alignment is not None:
        fields += [("prompt", alignment), ("prompt_alignment", "true")]
    if silence_ms is not None:
        fields += [("chunking_strategy[type]", "server_vad"),
                   ("chunking_strategy[silence_duration_ms]", str(silence_ms))]
    if beam_size is not None:
        fields += [("beam_size", str(beam_size))]
    for name, values in (("keywords[]", keywords), ("timestamp_granularities[]", timestamp_granularities),
                         ("include[]", include), ("known_speaker_names[]", speaker_names)):
        if isinstance(values, str):
            raise TypeError(f"{name.rstrip('[]')} must be a list of str")
        fields += [(name, value) for value in values]
    return fields


def result_of(format: str, document: bytes) -> Result:
    return Transcription(json.loads(document)) if format in _JSON_FORMATS else document.decode()


def recording_of(audio: Any, rate: int) -> Union[str, "np.ndarray[Any, Any]"]:
    """What the C++ client takes: a path, or the bytes of a file; arrays become a WAV file in memory."""
    if isinstance(audio, (bytes, bytearray, memoryview)):
        return np.frombuffer(audio, np.uint8)
    if _datatypes.is_array(audio):
        return np.frombuffer(_wav(audio, rate), np.uint8)
    path = os.fspath(audio)
    return path if isinstance(path, str) else os.fsdecode(path)


def _wav(samples: Any, rate: int) -> bytes:
    """Samples as a WAV file: int16, or floats from -1 to 1; one channel, or two as rows or columns."""
    array = samples.detach().cpu().numpy() if _datatypes.is_torch(samples) else np.asarray(samples)
    if array.ndim == 2 and array.shape[0] <= 2 < array.shape[1]:
        array = array.T
    if array.ndim not in (1, 2) or array.size == 0 or (array.ndim == 2 and array.shape[1] > 2):
        raise ValueError("samples must be an array of one channel, or of two channels as rows or columns")
    if array.dtype.kind == "f":
        code, array = 3, array.astype("<f4")
    elif array.dtype == np.int16:
        code, array = 1, array.astype("<i2")
    else:
        raise TypeError(f"samples must be int16 or floats from -1 to 1, not {array.dtype}")
    channels = 1 if array.ndim == 1 else array.shape[1]
    frame = channels * array.itemsize
    data = np.ascontiguousarray(array).tobytes()
    header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, code, channels, rate,
                         rate * frame, frame, 8 * array.itemsize, b"data", len(data))
    return header + data
