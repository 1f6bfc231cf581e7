"""Sound as text while somebody speaks: what ``Client.transcribe_live`` takes and gives."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import (Any, AsyncIterable, AsyncIterator, Callable, Dict, Generic, Iterable, Iterator, List, Optional,
                    Tuple, TypeVar, Union)

import numpy as np

from . import _datatypes, _native
from .errors import ModelError

T = TypeVar("T")
Sound = Union[bytes, bytearray, memoryview, Any]

# How long an iterator that waits for its next piece of sound is waited for when the stream ends without it.
_PATIENCE_S = 1.0


@dataclasses.dataclass(frozen=True)
class LiveEvent:
    """Something that was heard. Times are seconds since the stream's first sound.

    ``kind``: "started" (speech began at ``start``), "delta" (the next piece of ``text`` that never changes; where a
    ``delay`` was asked for), "partial" (``text`` as it would be now; it may still change),
    "stopped" (speech ended at ``end``), "final" (``text`` of the utterance, which never changes, with ``start``,
    ``end``, ``words`` and ``latency``), or "failed" (the utterance gets no text; ``error`` says why, and the stream
    goes on). ``utterance`` is the same for all events of one utterance.
    """

    kind: str
    utterance: str
    text: str = ""
    start: Optional[float] = None
    end: Optional[float] = None
    words: List[Dict[str, Any]] = dataclasses.field(default_factory=list)
    # Seconds of sound between the end of speech and the text.
    latency: Optional[float] = None
    error: Optional[ModelError] = None

    @property
    def final(self) -> bool:
        return self.kind == "final"


class LiveTranscription:
    """The events of one live transcription: ``for event in client.transcribe_live(microphone()): …``

    The sound is taken from its iterator, and sent, on a thread of its own. When the iterator ends, so do the events,
    once everything that was said has its text. What the iterator raises is raised here. Leaving early (``break``,
    ``close`` or the end of a ``with`` block) ends the connection; only an iterator that is waiting for its next piece
    may go on to wait for it.
    """

    def __init__(self, native: "_native.LiveTranscription", sound: Iterable[Sound],
                 encode: Callable[[Sound], "np.ndarray[Any, Any]"]) -> None:
        self._native = native
        self._feeder = _Feeder(native, sound, encode)
        self._feeder.start()
        self._ended = False

    def commit(self) -> None:
        """Ends the utterance under way. Sound that waits to be sent comes after it."""
        self._native.commit()

    def close(self) -> None:
        """Ends the work, unless it has ended. What has no text yet gets none."""
        self._ended = True
        self._native.cancel()
        self._feeder.join(_PATIENCE_S)

    def __iter__(self) -> Iterator[LiveEvent]:
        return self

    def __next__(self) -> LiveEvent:
        if self._ended:
            raise StopIteration
        try:
            event = self._native.next()
        except BaseException:
            self.close()
            if self._feeder.error is not None:
                raise self._feeder.error from None
            raise
        if event is not None:
            return _event_of(*event)
        self.close()
        raise StopIteration

    def __enter__(self) -> "LiveTranscription":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_feeder"):
            self._native.cancel()


class AsyncLiveTranscription:
    """``LiveTranscription``, awaitable: ``async for event in client.transcribe_live(microphone()): …``

    The sound may come from an iterator or from an async iterator, which is awaited on the caller's loop. It begins with
    the first event that is awaited. A task that is cancelled while it waits for an event ends the stream.
    """

    def __init__(self, start: Callable[[Iterable[Sound]], LiveTranscription],
                 sound: Union[Iterable[Sound], AsyncIterable[Sound]]) -> None:
        self._start = start
        self._sound = sound
        self._awaited: Optional[_AwaitedSound] = None
        self._live: Optional[LiveTranscription] = None
        # One waits for events, one commits or closes.
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="blindai-live")
        self._ended = False

    async def commit(self) -> None:
        await self._begin()
        assert self._live is not None
        await self._run(self._live.commit)

    async def close(self) -> None:
        if self._ended:
            return
        self._ended = True
        if self._awaited is not None:
            self._awaited.cancel()
        if self._live is not None:
            await self._run(self._live.close)
        self._threads.shutdown(wait=False)
        if self._awaited is not None:
            await self._awaited.aclose()

    def __aiter__(self) -> AsyncIterator[LiveEvent]:
        return self

    async def __anext__(self) -> LiveEvent:
        if self._ended:
            raise StopAsyncIteration
        try:
            await self._begin()
            assert self._live is not None
            event = await self._run(_next_or_none, self._live)
        except BaseException:
            if self._live is not None:
                self._live._native.cancel()
            await asyncio.shield(self.close())
            raise
        if event is not None:
            return event
        await self.close()
        raise StopAsyncIteration

    async def __aenter__(self) -> "AsyncLiveTranscription":
        await self._begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.shield(self.close())

    def __del__(self) -> None:
        if not self._ended:
            self._threads.shutdown(wait=False)
            if self._awaited is not None:
                self._awaited.cancel()
            if self._live is not None:
                self._live._native.cancel()

    async def _begin(self) -> None:
        if self._live is not None or self._ended:
            return
        sound = self._sound
        if isinstance(sound, AsyncIterable):
            self._awaited = _AwaitedSound(sound, asyncio.get_running_loop())
            sound = self._awaited
        self._live = await self._run(self._start, sound)

    async def _run(self, call: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)


def _next_or_none(live: LiveTranscription) -> Optional[LiveEvent]:
    return next(live, None)


class _Feeder(threading.Thread):
    """Sends what the iterator gives. Knows nothing of the stream, so that a stream that nobody holds goes away."""

    def __init__(self, native: "_native.LiveTranscription", sound: Iterable[Sound],
                 encode: Callable[[Sound], "np.ndarray[Any, Any]"]) -> None:
        super().__init__(name="blindai-live", daemon=True)
        self._native, self._sound, self._encode = native, sound, encode
        self.error: Optional[BaseException] = None

    def run(self) -> None:
        try:
            for piece in self._sound:
                encoded = self._encode(piece)
                if not self._send(lambda: self._native.append(encoded)):
                    return
            self._send(self._native.finish)
        except BaseException as error:  # noqa: B902 - it is raised where the events are read
            self.error = error
            self._native.cancel()
        finally:
            close = getattr(self._sound, "close", None)
            if callable(close):  # a generator that was left early
                close()

    @staticmethod
    def _send(call: Callable[[], None]) -> bool:
        """False once the session has ended: the reader of its events is told why."""
        try:
            call()
        except Exception:
            return False
        return True


class _AwaitedSound(Generic[T]):
    """An async iterator as an iterator of another thread."""

    def __init__(self, sound: AsyncIterable[T], loop: asyncio.AbstractEventLoop) -> None:
        self._iterator = sound.__aiter__()
        self._loop = loop
        self._lock = threading.Lock()
        self._step: Optional["Future[Tuple[bool, Optional[T]]]"] = None
        self._task: Optional["asyncio.Task[Any]"] = None  # the step's, of the loop
        self._cancelled = False

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            if self._step is not None:
                self._step.cancel()

    async def aclose(self) -> None:
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
        aclose = getattr(self._iterator, "aclose", None)
        if aclose is not None:  # an async generator that was left early
            await aclose()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        with self._lock:
            if self._cancelled:
                raise StopIteration
            self._step = asyncio.run_coroutine_threadsafe(self._take(), self._loop)
        try:
            there, piece = self._step.result()
        except CancelledError:
            if self._cancelled:
                raise StopIteration from None
            raise
        if not there:
            raise StopIteration
        return piece  # type: ignore[return-value]

    async def _take(self) -> Tuple[bool, Optional[T]]:
        self._task = asyncio.current_task()
        try:
            return True, await self._iterator.__anext__()
        except StopAsyncIteration:
            return False, None


def encoder_of(format: str) -> Callable[[Sound], "np.ndarray[Any, Any]"]:
    """Makes bytes in the session's format of what the iterator gives."""
    def encode(piece: Sound) -> "np.ndarray[Any, Any]":
        if isinstance(piece, (bytes, bytearray, memoryview)):
            return np.frombuffer(piece, np.uint8)
        if not _datatypes.is_array(piece):
            raise TypeError(f"sound must come as bytes, numpy arrays or torch tensors, not {type(piece).__name__}")
        array = piece.detach().cpu().numpy() if _datatypes.is_torch(piece) else np.asarray(piece)
        if array.ndim != 1:
            raise ValueError("sound must come as arrays of one channel, with one dimension")
        if array.dtype == np.uint8:
            return np.ascontiguousarray(array)
        if format != "pcm16":
            raise TypeError(f"with format={format!r} sound must come as bytes or uint8")
        if array.dtype.kind == "f":
            loud = np.nan_to_num(array.astype(np.float32)) * 32768
            array = np.clip(np.rint(loud), -32768, 32767).astype("<i2")
        elif array.dtype != np.int16:
            raise TypeError(f"samples must be int16 or floats from -1 to 1, not {array.dtype}")
        return np.frombuffer(np.ascontiguousarray(array).astype("<i2").tobytes(), np.uint8)

    return encode


def _event_of(kind: str, utterance: str, value: Any) -> LiveEvent:
    if kind == "started":
        return LiveEvent(kind, utterance, start=value)
    if kind == "stopped":
        return LiveEvent(kind, utterance, end=value)
    if kind in ("delta", "partial"):
        return LiveEvent(kind, utterance, text=value)
    if kind == "failed":
        return LiveEvent(kind, utterance, error=ModelError(*value))
    text, start, end, latency, words = value
    named = [dict(zip(("word", "start", "end", "confidence"), word)) for word in words]
    return LiveEvent(kind, utterance, text, start, end, named, latency)
