"""The client that blocks; async_client.py has the same, awaitable."""

from __future__ import annotations

import os
import sys
import threading
import uuid
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from . import _datatypes, _native
from .errors import ModelError
from .live import LiveTranscription, Sound, encoder_of
from .response import Response
from .transcription import Result, TimeProgress, TranscriptionStream, fields_of, recording_of, result_of
from .transcription_job import TranscriptionJob

PathLike = Union[str, "os.PathLike[str]"]
FileLike = Union[PathLike, bytes, bytearray, memoryview]
Progress = Callable[[int, int], object]
Version = Union[int, str]  # a number, or a label

_SIMULATION = ("blindai: SIMULATION: this server runs without confidential hardware and can read everything it is "
               "sent; never send real data\n")


class Client:
    """A verified connection to one server. Made by ``blindai.connect``; use it as a context manager, or ``close`` it.

    Every further connection that it opens, also after a lost one, is verified before anything is sent. Calls may
    come from several threads at the same time. Every call raises ``AttestationError`` when the server is not
    accepted any more, ``ConnectionError`` when it cannot be reached, ``QuotaError`` when it is full,
    ``AccessError`` when it does not accept the API key, ``ModelError`` when it refuses or fails the request, and
    ``ValueError`` or ``TypeError`` for wrong arguments.
    """

    def __init__(self, native: "_native.Client") -> None:
        self._native = native
        self._models: Dict[Tuple[str, str], _native.Model] = {}  # by id and version as it was asked for
        self._lock = threading.Lock()

    @property
    def addr(self) -> str:
        """The server's address: "host:port"."""
        return self._native.addr

    @property
    def verdict(self) -> "_native.Verdict":
        """What verification found: outcome, findings and claims. ``str(client.verdict)`` is the table."""
        verdict = self._native.verdict
        assert verdict is not None  # a Client exists only after a verdict
        return verdict

    def upload_model(self, model: FileLike, model_id: Optional[str] = None, *, kind: Optional[str] = None,
                     vocab: Optional[FileLike] = None, preprocessor: Optional[FileLike] = None,
                     language_model: Optional[FileLike] = None,
                     precision: Optional[str] = None, save: Optional[bool] = None, visibility: Optional[str] = None,
                     tenants: Optional[Sequence[str]] = None, ttl: Optional[int] = None, default: bool = False,
                     versions: Optional[str] = None, label: Optional[str] = None,
                     progress: Optional[Progress] = None, **of_05: Any) -> "_native.Model":
        """Uploads an ONNX model: a path, streamed from disk, or its bytes.

        ``model_id``: its name on the server, 1 to 128 letters, digits, ".", "_" or "-"; a random one when left
        out, see ``Model.id`` of the result. ``kind``: "tensor" (default), "whisper" for a folder as Hugging Face's
        optimum exports a Whisper model (``model`` is its path), or "ctc-speech" for a wav2vec2 model that
        transcribes; such a model needs its characters (``vocab``) and what it does with sound (``preprocessor``), by
        default ``vocab.json`` and ``preprocessor_config.json`` beside the model's file. ``language_model``: an n-gram
        model, an ARPA file or KenLM's binary of it, that weighs its words; none by default. ``precision``: "f32" or
        "bf16", what the engine computes in; the server's choice when left out. ``save``: whether it is kept,
        sealed, when the server restarts. ``visibility``: "private", "link", "tenants" or "public"; ``tenants``: with
        "tenants", the names of those who may run it, everybody with an account when left out. ``ttl``: seconds after
        which the server deletes it. ``default``: your transcriptions that name no model use this one, which
        transcribes.
        An upload of an id that you have makes its next version. ``versions``: which of them are served from then on,
        "latest" (the highest alone), "latest:N", "specific:1,3" or "all"; as before when left out, "latest" for a new
        id. ``label``: a name for this version, such as "stable"; a version that has one stays.
        ``progress(sent, total)`` is called with bytes while the upload goes out; what it raises ends the upload.

        ``of_05``: BlindAI 0.5's ``input_specs``, ``output_specs``, ``shape``, ``dtype``, ``dtype_out``, ``sign`` and
        ``save_model``; with any of them the result is 0.5's (docs/migration.md).

        Returns the model with its inputs and outputs, and the SHA-256 of what the server received.
        """
        options = {"kind": kind, "vocab": vocab, "preprocessor": preprocessor, "language_model": language_model,
                   "precision": precision, "save": save, "visibility": visibility, "tenants": tenants, "ttl": ttl,
                   "default": default, "versions": versions, "label": label, "progress": progress}
        if of_05:
            return _legacy().upload_with_words_of_05(self, model, model_id, of_05, **options)
        return self._upload(model, model_id, **options)[0]

    def _upload(self, model: FileLike, model_id: Optional[str] = None, *, kind: Optional[str] = None,
                vocab: Optional[FileLike] = None, preprocessor: Optional[FileLike] = None,
                language_model: Optional[FileLike] = None, precision: Optional[str] = None,
                save: Optional[bool] = None, visibility: Optional[str] = None,
                tenants: Optional[Sequence[str]] = None, ttl: Optional[int] = None, default: bool = False,
                versions: Optional[str] = None, label: Optional[str] = None,
                progress: Optional[Progress] = None) -> Tuple["_native.Model", str]:
        """The model, and what the connection proved that it went over."""
        name = str(uuid.uuid4()) if model_id is None else model_id
        words = {"kind": kind, "precision": precision, "visibility": visibility,
                 "save": None if save is None else str(save).lower(),
                 "tenants": None if tenants is None else ",".join([tenants] if isinstance(tenants, str) else tenants),
                 "ttl": None if ttl is None else str(ttl), "default": "true" if default else None,
                 "versions": versions, "label": label}
        query = {key: word for key, word in words.items() if word is not None}
        if kind == "ctc-speech":
            vocab = _beside(model, "vocab.json", "vocab") if vocab is None else vocab
            preprocessor = (_beside(model, "preprocessor_config.json", "preprocessor")
                            if preprocessor is None else preprocessor)
        elif (vocab, preprocessor, language_model) != (None, None, None):
            raise ValueError('vocab, preprocessor and language_model belong to a model of kind="ctc-speech"')
        if kind == "whisper" and not (isinstance(model, (str, os.PathLike)) and os.path.isdir(model)):
            raise ValueError('a model of kind="whisper" is a folder with encoder_model.onnx and its other files')
        beside = [None if file is None else _source(file) for file in (vocab, preprocessor, language_model)]
        source = os.fspath(model) if kind == "whisper" else _source(model)
        uploaded, connection = self._native.upload_model(name, source, query, *beside, progress)
        self._forget(name)
        with self._lock:
            self._models[(name, "")] = uploaded
        return uploaded, connection

    def predict(self, model_id: str, inputs: Any = None, *, outputs: Optional[Sequence[str]] = None,
                timeout: Optional[float] = None, version: Optional[Version] = None, **of_05: Any) -> Response:
        """Runs a model.

        ``inputs``: one tensor; a tuple (or a list of arrays) with one tensor for each input of the model, in the
        model's order; or a dict of tensors by input name. A tensor is a numpy array, a torch tensor, or a number
        or a list of numbers, nested or not. Arrays keep their dtype, which must be the model's; lists become the
        model's datatype and must fit it. BF16 comes from ``torch.bfloat16``, ``ml_dtypes.bfloat16``, lists, or the
        bits as a numpy array of uint16 where the model wants BF16. BYTES comes from arrays or lists of ``bytes``
        or ``str``.

        ``outputs``: names of the outputs that are wanted, all when left out. ``timeout``: seconds, instead of that of
        ``connect``. ``version``: its number or a label; the highest one when left out.

        ``of_05``: BlindAI 0.5's ``tensors``, ``dtype``, ``shape`` and ``sign``; with any of them the result is 0.5's
        (docs/migration.md).

        Returns a ``Response``: ``response.output[0]`` or ``response.output["name"]`` with ``as_numpy()``,
        ``as_torch()``, ``as_flat()``.
        """
        if of_05:
            return _legacy().predict_with_words_of_05(self, model_id, inputs, of_05, outputs=outputs, timeout=timeout)
        return Response(self._predict(model_id, inputs, outputs, timeout, _version_text(version)))

    def _predict(self, model_id: str, inputs: Any, outputs: Optional[Sequence[str]] = None,
                 timeout: Optional[float] = None, version: str = "") -> "_native.Prediction":
        named = self._encode(model_id, inputs, version)
        try:
            return self._native.predict(model_id, named, list(outputs or []), timeout, version)
        except ModelError:
            self._forget(model_id)  # another model may go by this name now
            raise

    def transcribe(self, audio: Any, model: Optional[str] = None, *, format: str = "verbose_json",
                   stream: bool = False, progress: Optional[TimeProgress] = None, language: Optional[str] = None,
                   keywords: Sequence[str] = (), alignment: Optional[str] = None,
                   timestamp_granularities: Sequence[str] = (), include: Sequence[str] = (),
                   speaker_names: Sequence[str] = (), silence_ms: Optional[int] = None,
                   beam_size: Optional[int] = None, prompt: Optional[str] = None, rate: int = 16000,
                   timeout: float = 3600.0) -> Union[Result, TranscriptionStream]:
        """Turns a recording into text.

        ``audio``: a path (flac, mp3, mp4, m4a, ogg, opus, webm, wav, aac, aiff), streamed from disk; the bytes of such
        a file; or samples as an array of int16 or floats at ``rate``, one channel or two. ``model``: left out,
        it is your default (``upload_model(default=True)``, or the operator's choice), or the only model that
        transcribes of those listed to you. ``format``: "verbose_json", "json" and "diarized_json" give a
        ``Transcription``; "text", "srt" and "vtt" give a str. Each channel of a two-channel recording is a speaker,
        named by ``speaker_names`` or A and B.

        ``keywords``: words to favour. ``alignment``: the text that was said, to be given its times.
        ``timestamp_granularities``: "segment" (default), "word" or both, with "verbose_json". ``include``: "logprobs",
        "coverage". ``silence_ms``: the shortest silence that the recording may be cut in. ``language``: as you know it;
        it is given back. ``beam_size``: how many texts a Whisper model weighs against each other, 1 (default) to 5:
        slower, and sometimes better. ``prompt``: text that steers how a Whisper model writes names.

        ``progress(done, total)`` is called with seconds of the recording (total is 0 where the file does not say); what
        it raises ends the work. ``stream=True`` gives a ``TranscriptionStream`` of pieces of the text at once.
        ``timeout``: seconds for upload, work and answer together.
        """
        fields = fields_of(model, format, language, keywords, alignment, timestamp_granularities, include,
                           speaker_names, silence_ms, beam_size, prompt)
        if progress is not None:
            fields += [("include[]", "progress")]
        streams = stream or progress is not None
        if streams:
            fields += [("stream", "true")]
        recording = recording_of(audio, rate)

        def run(on_piece: Optional[Callable[[str, Any], object]]) -> Result:
            def on_event(kind: str, value: Any) -> object:
                if kind == "progress" and progress is not None:
                    progress(*value)
                return on_piece(kind, value) if on_piece is not None else None

            document = self._native.transcribe(recording, fields, on_event if streams else None, timeout)
            return result_of(format, document)

        return TranscriptionStream(run) if stream else run(None)

    def transcribe_job(self, audio: Any, model: Optional[str] = None, *, format: str = "verbose_json",
                       progress: Optional[Progress] = None, language: Optional[str] = None,
                       keywords: Sequence[str] = (), alignment: Optional[str] = None,
                       timestamp_granularities: Sequence[str] = (), include: Sequence[str] = (),
                       speaker_names: Sequence[str] = (), silence_ms: Optional[int] = None,
                       beam_size: Optional[int] = None, prompt: Optional[str] = None, rate: int = 16000,
                       timeout: float = 3600.0) -> TranscriptionJob:
        """Sends a recording and returns when the server has it: the work goes on without this client.

        The arguments are those of ``transcribe``. ``progress(sent, total)`` is called with bytes while the recording
        goes out; what it raises ends the upload. ``timeout``: seconds of the upload. The result is
        ``transcribe_job(…).result()``; in another process it is ``client.job(reference).result()``.
        """
        fields = fields_of(model, format, language, keywords, alignment, timestamp_granularities, include,
                           speaker_names, silence_ms, beam_size, prompt)
        reference = self._native.start_job(recording_of(audio, rate), fields, progress, timeout)
        return TranscriptionJob(self._native, reference)

    def job(self, reference: str, token: Optional[str] = None) -> TranscriptionJob:
        """A job that was started before, by its ``reference``, or by its ``id`` and ``token``. Nothing is sent yet."""
        return TranscriptionJob(self._native, reference if token is None else f"{reference}.{token}")

    def transcribe_live(self, sound: Iterable[Sound], model: Optional[str] = None, *, rate: int = 16000,
                        format: str = "pcm16", language: Optional[str] = None, keywords: Sequence[str] = (),
                        silence_ms: Optional[int] = 500, threshold: float = 0.5,
                        partials: bool = True, prompt: Optional[str] = None,
                        delay: Optional[str] = None) -> LiveTranscription:
        """Turns sound into text while somebody speaks: ``for event in client.transcribe_live(microphone()): …``

        ``sound``: an iterator that gives pieces of one channel of any length, as they come: arrays or torch tensors of
        int16 or of floats from -1 to 1 at ``rate`` (8000 to 48000), or bytes of ``format``: "pcm16" (little-endian, at
        ``rate``), "mulaw" or "alaw" (G.711, 8000). It is read on a thread of its own, no faster than the server hears.
        ``model``: left out, it is your default model, or the only one that transcribes.

        An utterance ends after ``silence_ms`` without sound louder than ``threshold`` (0 to 1; 0.5 is -50 dBFS), and
        with the sound. ``silence_ms=None``: it ends where you ``commit()`` it, and with the sound. ``keywords``: words
        to favour. ``partials``: also what the text would be now, while somebody speaks. ``prompt``: text that steers
        how a Whisper model writes names. ``delay``: words as "delta" events as soon as they will not change any more:
        "minimal", "low", "medium" or "high", the longer the surer; without it an utterance's text comes with its end.

        Gives a ``LiveTranscription``, an iterator of ``LiveEvent``, over a verified connection of its own that
        ``max_connections`` does not count. Errors are raised by the call, and by the iterator.
        """
        if isinstance(keywords, str):
            raise TypeError("keywords must be a list of str")
        if isinstance(sound, (bytes, bytearray, memoryview)) or _datatypes.is_array(sound):
            raise TypeError("sound must be an iterator of pieces; for a whole recording use transcribe")
        native = self._native.transcribe_live(model, language, list(keywords), format, rate, silence_ms, threshold,
                                              partials, prompt, delay)
        return LiveTranscription(native, sound, encoder_of(format))

    def models(self) -> List["_native.Model"]:
        """The models that this client may use, each as its highest version; ``Model.versions`` are all of them."""
        return self._native.models()

    def model(self, model_id: str, version: Optional[Version] = None) -> "_native.Model":
        """One model with its inputs and outputs: the highest version, or the one of this number or label."""
        text = _version_text(version)
        model = self._native.model(model_id, text)
        with self._lock:
            self._models[(model_id, text)] = model
        return model

    def change_model(self, model_id: str, *, versions: Optional[str] = None,
                     labels: Optional[Mapping[str, Optional[int]]] = None) -> "_native.Model":
        """Says which versions of your model are served, and what they are called, in one step.

        ``versions``: "latest", "latest:N", "specific:1,3" or "all". ``labels``: the number of the version that each
        shall name; None takes a label away. A version that a label names stays; what nothing keeps any more is deleted
        at once. Returns the model as it is then.
        """
        numbers = {}
        for label, number in (labels or {}).items():
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
                raise ValueError(f"label '{label}' wants the number of a version, or None to take it away")
            numbers[label] = number or 0
        self._forget(model_id)
        return self._native.change_model(model_id, versions, numbers)

    def delete_model(self, model_id: str, version: Optional[Version] = None) -> None:
        """Deletes a model from the server, from memory and from its store: all its versions, or the one of this number
        or label."""
        self._forget(model_id)
        self._native.delete_model(model_id, _version_text(version))

    def close(self) -> None:
        """Closes the idle connections. A later call opens, and verifies, a new one."""
        self._native.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<blindai.Client {self.addr}, {self.verdict.outcome}>"

    def _forget(self, model_id: str) -> None:
        with self._lock:
            self._models = {key: model for key, model in self._models.items() if key[0] != model_id}

    def _known_inputs(self, model_id: str, version: str) -> List["_native.TensorSpec"]:
        with self._lock:
            known = self._models.get((model_id, version))
        return (known or self.model(model_id, version or None)).inputs

    def _encode(self, model_id: str, inputs: Any, version: str = ""
                ) -> List[Tuple[str, str, Tuple[int, ...], "np.ndarray[Any, Any]"]]:
        if not isinstance(model_id, str):
            raise TypeError("model_id must be a str")
        if isinstance(inputs, Mapping):
            tensors = dict(inputs)
            # Arrays say their datatype themselves; only lists need the model's.
            plain = not all(_datatypes.is_array(value) and not _is_bits(value) for value in tensors.values())
            wanted = {spec.name: spec.datatype for spec in self._known_inputs(model_id, version)} if plain else {}
            for name in tensors:
                if not isinstance(name, str):
                    raise TypeError("the names of inputs must be str")
                if plain and name not in wanted:
                    raise ValueError(f"the model has no input '{name}'; it has {', '.join(wanted)}")
        else:
            specs = self._known_inputs(model_id, version)
            values = list(inputs) if _is_several(inputs) else [inputs]
            if len(values) != len(specs):
                raise ValueError(f"the model has {len(specs)} inputs ({', '.join(s.name for s in specs)}), "
                                 f"{len(values)} were given")
            tensors = {spec.name: value for spec, value in zip(specs, values)}
            wanted = {spec.name: spec.datatype for spec in specs}
        named = []
        for name, value in tensors.items():
            try:
                named.append((name, *_datatypes.encode(value, wanted.get(name))))
            except (TypeError, ValueError) as error:
                raise type(error)(f"input '{name}': {error}") from None
        return named


def _version_text(version: Optional[Version]) -> str:
    """A number or a label as text; the empty text: the highest version. Never from an empty label: that would delete
    all of them."""
    if version is None:
        return ""
    if isinstance(version, bool) or not isinstance(version, (int, str)) or version == "":
        raise ValueError("version is a number (1, 2, …) or a label")
    return str(version)


def _source(file: FileLike) -> Union[str, "np.ndarray[Any, Any]"]:
    """What the C++ client takes: a path, or bytes where they lie."""
    if isinstance(file, (bytes, bytearray, memoryview)):
        return np.frombuffer(file, np.uint8)
    path = os.fspath(file)
    return path if isinstance(path, str) else os.fsdecode(path)


def _beside(model: FileLike, usual: str, argument: str) -> str:
    if isinstance(model, (bytes, bytearray, memoryview)):
        raise ValueError(f"a speech model that is given as bytes needs {argument}= too")
    return os.path.join(os.path.dirname(os.fspath(model)), usual)


def _is_several(inputs: Any) -> bool:
    """A tuple is always one tensor for each input; a list is, when it is a list of arrays."""
    if isinstance(inputs, list):
        return bool(inputs) and all(map(_datatypes.is_array, inputs))
    return isinstance(inputs, tuple)


def _is_bits(value: Any) -> bool:
    """A uint16 array may be BF16: the model decides."""
    return isinstance(value, np.ndarray) and value.dtype == np.uint16


def _legacy() -> Any:
    """Loaded by the programs that need it."""
    from .legacy import v05

    return v05


def connect(addr: Optional[str] = None, *positional_of_05: Any, api_key: Optional[str] = None,
            policy: Optional[PathLike] = None, simulation: Optional[bool] = None, roots: Sequence[PathLike] = (),
            connect_timeout: float = 10.0, timeout: float = 600.0, max_connections: int = 8, **of_05: Any) -> Client:
    """Connects to a server and verifies it; nothing else is sent before the verdict.

    ``addr``: "host" or "host:port" (default port 8443). ``policy``: the file that says what is accepted (TOML, see
    docs/formats/policy.md). ``simulation=True`` permits a server without confidential hardware, for trying things
    out: it proves nothing. ``api_key`` is sent only after the verdict. Each of these is looked for in the
    arguments, then in ``BLINDAI_ADDR``, ``BLINDAI_API_KEY``, ``BLINDAI_POLICY`` and ``BLINDAI_SIMULATION=1``, then
    in the configuration file (~/.config/blindai/config.toml, written by ``blindai login``).

    In a managed cloud the API key is enough: without an address, the directory of ``BLINDAI_DIRECTORY`` or of the
    configuration file gives the servers, and a session token that is sent to them instead of the key. Each server is
    verified by your own policy all the same. The session is renewed in time. When the server is lost, the call goes on
    with another one of the cloud, verified first. A run or transcription whose answer was lost is asked for again at
    its own server, which computes it once, and repeated at another one where that server is gone; a deletion is asked
    for at its own server alone. A model is looked for on the cloud's other servers where this one does not have it.

    ``roots``: files with certificates that may vouch beside
    the makers' own, such as the CA of a TPM; every finding that rests on one says so. ``connect_timeout`` and
    ``timeout`` (of one request with its answer) are seconds. ``max_connections`` bounds the connections that calls
    from several threads use at the same time.

    With a word that only BlindAI 0.5 had (``server_name``, ``certificate``, ``untrusted_port``, ``attested_port``,
    ``debug_mode``, or more than one positional argument) the result is 0.5's ``Connection`` (docs/migration.md).

    Raises ``AttestationError`` (with the verdict) when the server is not accepted, ``ConnectionError`` when it
    cannot be reached, and ``ValueError`` when no server is named or an argument is wrong.
    """
    if positional_of_05 or of_05:
        return _legacy().connect_with_words_of_05(addr, positional_of_05, api_key, policy, simulation, of_05)
    native = _native.make_client(addr, api_key, None if policy is None else os.fspath(policy), simulation,
                                 [os.fspath(root) for root in roots], connect_timeout, timeout, max_connections)
    native.connect()
    client = Client(native)
    if client.verdict.outcome == "simulation":
        sys.stderr.write(_SIMULATION)
        sys.stderr.flush()
    return client


def __getattr__(name: str) -> Any:
    """Programs of BlindAI 0.5 import its names from here too."""
    if not name.startswith("_"):
        from . import legacy

        if name in legacy.__all__:
            return getattr(legacy, name)
    raise AttributeError(f"module 'blindai.client' has no attribute '{name}'")
