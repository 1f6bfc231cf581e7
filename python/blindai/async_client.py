"""The same client, awaitable. Each call runs on a thread of the client's own pool, with a connection of its own."""

from __future__ import annotations

import asyncio
import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any, AsyncIterable, Callable, Iterable, List, Mapping, Optional, Sequence, TypeVar, Union

from . import _native
from .client import Client, FileLike, PathLike, Progress, Version, connect
from .live import AsyncLiveTranscription, Sound
from .response import Response
from .transcription import AsyncTranscriptionStream, Result, TranscriptionStream
from .transcription_job import AsyncTranscriptionJob

T = TypeVar("T")


class AsyncClient:
    """``async with blindai.AsyncClient(addr="localhost", simulation=True) as client: await client.predict(…)``

    Takes the arguments of ``blindai.connect`` and connects when it is entered, or by ``await client.connect()``.
    Up to ``max_connections`` calls run at the same time; more wait. A call that is cancelled stops being awaited;
    what was sent already still runs to its end on the server.
    """

    def __init__(self, addr: Optional[str] = None, *, api_key: Optional[str] = None, policy: Optional[PathLike] = None,
                 simulation: Optional[bool] = None, roots: Sequence[PathLike] = (), connect_timeout: float = 10.0,
                 timeout: float = 600.0, max_connections: int = 8) -> None:
        self._connect = functools.partial(connect, addr, api_key=api_key, policy=policy, simulation=simulation,
                                          roots=roots, connect_timeout=connect_timeout, timeout=timeout,
                                          max_connections=max_connections)
        self._threads = ThreadPoolExecutor(max_workers=max(1, max_connections), thread_name_prefix="blindai")
        self._client: Optional[Client] = None

    async def connect(self) -> "AsyncClient":
        """Connects and verifies, like ``blindai.connect``. Does nothing when it is connected already."""
        if self._client is None:
            self._client = await self._run(self._connect)
        return self

    @property
    def addr(self) -> str:
        """The server's address: "host:port"."""
        return self._connected().addr

    @property
    def verdict(self) -> "_native.Verdict":
        """What verification found, as in ``Client.verdict``."""
        return self._connected().verdict

    async def upload_model(self, model: FileLike, model_id: Optional[str] = None, *, kind: Optional[str] = None,
                           vocab: Optional[FileLike] = None, preprocessor: Optional[FileLike] = None,
                           language_model: Optional[FileLike] = None,
                           precision: Optional[str] = None, save: Optional[bool] = None,
                           visibility: Optional[str] = None, tenants: Optional[Sequence[str]] = None,
                           ttl: Optional[int] = None, default: bool = False,
                           versions: Optional[str] = None, label: Optional[str] = None,
                           progress: Optional[Progress] = None, **of_05: Any) -> "_native.Model":
        """``Client.upload_model``; ``progress`` is called on another thread."""
        return await self._run(self._connected().upload_model, model, model_id, kind=kind, vocab=vocab,
                               preprocessor=preprocessor, language_model=language_model, precision=precision,
                               save=save, visibility=visibility, tenants=tenants, ttl=ttl, default=default,
                               versions=versions, label=label, progress=progress, **of_05)

    async def predict(self, model_id: str, inputs: Any = None, *, outputs: Optional[Sequence[str]] = None,
                      timeout: Optional[float] = None, version: Optional[Version] = None, **of_05: Any) -> Response:
        """``Client.predict``."""
        return await self._run(self._connected().predict, model_id, inputs, outputs=outputs, timeout=timeout,
                               version=version, **of_05)

    async def transcribe(self, audio: Any, model: Optional[str] = None, *, stream: bool = False,
                         **options: Any) -> Union[Result, AsyncTranscriptionStream]:
        """``Client.transcribe`` with its options; ``progress`` is called on another thread."""
        result = await self._run(self._connected().transcribe, audio, model, stream=stream, **options)
        return AsyncTranscriptionStream(result, self._run) if isinstance(result, TranscriptionStream) else result

    async def transcribe_job(self, audio: Any, model: Optional[str] = None, **options: Any) -> AsyncTranscriptionJob:
        """``Client.transcribe_job`` with its options; ``progress`` is called on another thread."""
        job = await self._run(self._connected().transcribe_job, audio, model, **options)
        return AsyncTranscriptionJob(job, self._run)

    def job(self, reference: str, token: Optional[str] = None) -> AsyncTranscriptionJob:
        """``Client.job``."""
        return AsyncTranscriptionJob(self._connected().job(reference, token), self._run)

    def transcribe_live(self, sound: Union[Iterable[Sound], AsyncIterable[Sound]], model: Optional[str] = None,
                        **options: Any) -> AsyncLiveTranscription:
        """``Client.transcribe_live`` with its options; ``sound`` may be an async iterator too. Not awaited:
        ``async for event in client.transcribe_live(microphone()): …``
        """
        start = functools.partial(self._connected().transcribe_live, model=model, **options)
        return AsyncLiveTranscription(start, sound)

    async def models(self) -> List["_native.Model"]:
        """``Client.models``."""
        return await self._run(self._connected().models)

    async def model(self, model_id: str, version: Optional[Version] = None) -> "_native.Model":
        """``Client.model``."""
        return await self._run(self._connected().model, model_id, version)

    async def change_model(self, model_id: str, *, versions: Optional[str] = None,
                           labels: Optional[Mapping[str, Optional[int]]] = None) -> "_native.Model":
        """``Client.change_model``."""
        return await self._run(self._connected().change_model, model_id, versions=versions, labels=labels)

    async def delete_model(self, model_id: str, version: Optional[Version] = None) -> None:
        """``Client.delete_model``."""
        await self._run(self._connected().delete_model, model_id, version)

    async def close(self) -> None:
        """Waits for running calls, then closes the connections. The client cannot be used afterwards."""
        if self._client is not None:
            await self._run(self._client.close)
        self._threads.shutdown(wait=False)

    async def __aenter__(self) -> "AsyncClient":
        try:
            return await self.connect()
        except BaseException:
            self._threads.shutdown(wait=False)
            raise

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<blindai.AsyncClient {self.addr if self._client else 'not connected'}>"

    def _connected(self) -> Client:
        if self._client is None:
            raise RuntimeError("not connected: use `async with`, or `await client.connect()` first")
        return self._client

    async def _run(self, call: Callable[..., T], *arguments: Any, **named: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, functools.partial(call, *arguments, **named))
