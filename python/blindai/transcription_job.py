"""A recording that is transcribed while nobody waits: what ``Client.transcribe_job`` gives."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, Awaitable, Callable, Iterator, Optional, Tuple

from . import _native
from .transcription import Result, Transcription

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0
_ENDED = ("completed", "failed")


class TranscriptionJob:
    """A transcription that goes on at the server: ``job = client.transcribe_job("session.flac")``, then
    ``job.result()``, now or later, here or in another process by ``client.job(reference)``.

    Whoever has ``reference`` and the account reads the result, and nobody else, the server's operator included: the
    server keeps it sealed under the token in it. Keep it as you would keep the text.
    """

    def __init__(self, native: "_native.Client", reference: str) -> None:
        self._native = native
        self._reference = reference
        self._result: Optional[Result] = None

    @property
    def id(self) -> str:
        return self._reference.split(".", 1)[0]

    @property
    def token(self) -> str:
        """The secret half of the reference."""
        return self._reference.split("@", 1)[0].split(".", 1)[1]

    @property
    def reference(self) -> str:
        """What ``client.job`` takes: id and token, and in a managed cloud the server."""
        return self._reference

    def status(self) -> str:
        """"queued", "running", "completed" or "failed"."""
        return self._native.job(self._reference)[0]

    def progress(self) -> Tuple[float, float]:
        """Seconds of the recording that are done, and that it has (0 where the recording does not say)."""
        return self._native.job(self._reference)[1:]

    def result(self, timeout: Optional[float] = None, *, keep: bool = False) -> Result:
        """Waits for the end and gives what ``transcribe`` gives in the format that was asked for, or raises its error.

        The server forgets the job then, or with ``keep=True`` when its time is over (an hour by default). ``timeout``:
        seconds after which ``TimeoutError`` is raised; the work goes on.
        """
        if self._result is None:
            for pause in _pauses(timeout):
                if self._has_ended():
                    break
                time.sleep(pause)
            self._fetch(keep)
        return self._result  # type: ignore[return-value]

    def cancel(self) -> None:
        """Ends the work if it goes on; the server forgets the job and its result."""
        self._native.delete_job(self._reference)

    def _has_ended(self) -> bool:
        return self.status() in _ENDED

    def _fetch(self, keep: bool) -> None:
        document, content_type = self._native.job_result(self._reference)
        if content_type == "application/json":
            self._result = Transcription(json.loads(document))
        else:
            self._result = document.decode()
        if not keep:
            self.cancel()

    def __repr__(self) -> str:
        return f"<blindai.TranscriptionJob {self.id}>"


class AsyncTranscriptionJob:
    """``TranscriptionJob``, awaitable: ``job = await client.transcribe_job(path)``, ``await job.result()``."""

    def __init__(self, job: TranscriptionJob, run: Callable[..., Awaitable[Any]]) -> None:
        self._job = job
        self._run = run

    @property
    def id(self) -> str:
        return self._job.id

    @property
    def token(self) -> str:
        return self._job.token

    @property
    def reference(self) -> str:
        return self._job.reference

    async def status(self) -> str:
        return str(await self._run(self._job.status))

    async def progress(self) -> Tuple[float, float]:
        done, total = await self._run(self._job.progress)
        return done, total

    async def result(self, timeout: Optional[float] = None, *, keep: bool = False) -> Result:
        """``TranscriptionJob.result``; no thread is held while it waits."""
        if self._job._result is None:
            for pause in _pauses(timeout):
                if await self._run(self._job._has_ended):
                    break
                await asyncio.sleep(pause)
            await self._run(self._job._fetch, keep)
        return self._job._result  # type: ignore[return-value]

    async def cancel(self) -> None:
        await self._run(self._job.cancel)

    def __repr__(self) -> str:
        return f"<blindai.AsyncTranscriptionJob {self.id}>"


def _pauses(timeout: Optional[float]) -> Iterator[float]:
    """How long to wait before each further look; raises TimeoutError when the time is over."""
    end = None if timeout is None else time.monotonic() + timeout
    pause = _FIRST_PAUSE_S
    while True:
        left = pause if end is None else end - time.monotonic()
        yield max(0.0, min(pause, left))
        if end is not None and time.monotonic() >= end:
            raise TimeoutError("the job has not ended yet; its work goes on")
        pause = min(2 * pause, _LONGEST_PAUSE_S)
