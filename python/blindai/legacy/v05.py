"""BlindAI 0.5: ``connect``, ``Connection`` and its responses."""

from __future__ import annotations

import contextlib
import datetime
import functools
import os
import re
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Sequence, Tuple, TypeVar

from .. import client as today
from ..response import Output, Response
from . import proof
from ._datatypes import ModelDatumType, of_protocol, to_arrays
from .errors import SignatureError, as_in_05

if TYPE_CHECKING:
    import numpy as np
    import torch

    from .. import _native

F = TypeVar("F", bound=Callable[..., Any])


class TensorInfo:
    def __init__(self, dims: List[int], datum_type: Optional[ModelDatumType], index: int = 0,
                 index_name: str = "") -> None:
        self.dims = dims
        self.datum_type = datum_type
        self.index = index
        self.index_name = index_name


class Tensor:
    """One output. ``datum_type`` is None for FP16, BF16 and BYTES, which BlindAI did not have."""

    def __init__(self, output: Output, index: int = 0) -> None:
        self._output = output
        self.info = TensorInfo(list(output.shape), of_protocol(output.datatype), index, output.name)

    @property
    def bytes_data(self) -> bytes:
        return self._output._raw.tobytes()

    @property
    def shape(self) -> Tuple[int, ...]:
        return self._output.shape

    @property
    def datum_type(self) -> Optional[ModelDatumType]:
        return self.info.datum_type

    def as_flat(self) -> List[Any]:
        return self._output.as_flat()

    def as_numpy(self) -> "np.ndarray[Any, Any]":
        return self._output.as_numpy()

    def as_torch(self) -> "torch.Tensor":
        """A flat tensor, as every published 0.5 gave it; ``as_torch().view(tensor.shape)`` has the shape."""
        return self._output.as_torch().reshape(-1)


class UploadModelResponse(proof.SignedResponse):
    model_id: str
    _kind = "upload"

    def validate(self, model_hash: bytes, policy_file: Optional[str] = None, policy: Optional[proof.Policy] = None,
                 validate_quote: bool = True, enclave_signing_key: object = None, allow_simulation_mode: bool = False,
                 *, roots: Sequence[bytes] = (), at: Optional[datetime.datetime] = None) -> None:
        """Judges the evidence again, and compares the SHA-256 of the model that the server received.

        ``enclave_signing_key`` is not used. ``roots``: certificates that may vouch beside the makers' own. ``at``:
        judge at this time instead of now.
        """
        self._judge(policy_file, policy, validate_quote, allow_simulation_mode, list(roots), at)
        if bytes.fromhex(self._call()["model_sha256"]) != model_hash:
            raise SignatureError("Invalid response model_hash")

    def _load_call(self, facts: Dict[str, Any]) -> None:
        self.model_id = str(facts["model_id"])


class PredictResponse(proof.SignedResponse):
    output: List[Tensor]
    model_id: str
    inference_time: int = 0
    request_time: int = 0
    _kind = "predict"

    def validate(self, model_id: str, tensors: Any, dtype: Any = None, shape: Any = None,
                 policy_file: Optional[str] = None, policy: Optional[proof.Policy] = None, validate_quote: bool = True,
                 enclave_signing_key: object = None, allow_simulation_mode: bool = False, *,
                 roots: Sequence[bytes] = (), at: Optional[datetime.datetime] = None) -> None:
        """Judges the evidence again, and compares inputs and model id with those of the call.

        ``enclave_signing_key`` is not used. ``roots``: certificates that may vouch beside the makers' own. ``at``:
        judge at this time instead of now.
        """
        self._judge(policy_file, policy, validate_quote, allow_simulation_mode, list(roots), at)
        facts = self._call()
        if proof.input_hash(to_arrays(tensors, dtype, shape)).hex() != facts["input_sha256"]:
            raise SignatureError("Invalid response input_hash")
        if model_id != facts["model_id"]:
            raise SignatureError("Invalid response model_id")

    def _load_call(self, facts: Dict[str, Any]) -> None:
        self.model_id = str(facts["model_id"])
        self.output = [Tensor(proof.to_output(entry), i) for i, entry in enumerate(facts["outputs"])]


class DeleteModelResponse:
    pass


def upload_model(client: today.Client, model: Any, model_id: Optional[str], sign: bool,
                 **options: Any) -> UploadModelResponse:
    """Uploads and gives 0.5's response."""
    uploaded, connection = client._upload(model, model_id, **options)
    response = UploadModelResponse()
    response.model_id = uploaded.id
    if sign:
        response._keep({"model_id": uploaded.id, "model_sha256": uploaded.sha256}, connection)
    return response


def predict(client: today.Client, model_id: str, tensors: Any, dtype: Any, shape: Any, sign: bool,
            **options: Any) -> PredictResponse:
    """Runs a model and gives 0.5's response."""
    arrays = to_arrays(tensors, dtype, shape)
    prediction = client._predict(model_id, tuple(arrays), **options)
    answer = Response(prediction)
    response = PredictResponse()
    response.model_id = model_id
    response.output = [Tensor(output, i) for i, output in enumerate(answer.output)]
    if sign:
        response._keep({"model_id": model_id, "input_sha256": proof.input_hash(arrays).hex(),
                        "outputs": [proof.of_output(output) for output in answer.output]}, prediction.connection())
    return response


def _open_only(method: F) -> F:
    @functools.wraps(method)
    def checked(self: "Connection", *arguments: Any, **named: Any) -> Any:
        if self.closed:
            raise ValueError("Illegal operation on closed connection.")
        with as_in_05():
            return method(self, *arguments, **named)

    return checked  # type: ignore[return-value]


class Connection(contextlib.AbstractContextManager):  # type: ignore[type-arg]
    """0.5's connection. ``client`` is today's client below it."""

    def __init__(self, addr: Optional[str] = None, server_name: str = "blindai-srv", policy: Optional[str] = None,
                 certificate: Optional[str] = None, simulation: bool = False, untrusted_port: int = 50052,
                 attested_port: int = 50051, debug_mode: bool = False, api_key: Optional[str] = None) -> None:
        """Connects and verifies.

        ``addr`` is "host" or "host:port" of the server's HTTPS port (8443); without it the server is found as
        ``blindai.connect`` finds it. ``server_name``, ``certificate``, ``untrusted_port`` and ``attested_port`` have
        no meaning any more: the evidence vouches for the connection itself, and no certificate or name does.
        """
        if debug_mode:
            import logging

            logging.basicConfig(level=logging.DEBUG)
        if policy is not None and not simulation:
            open(policy, "rb").close()  # 0.5 raised FileNotFoundError
        address = None if addr is None else re.sub("^https://", "", addr)
        self.closed = False
        self.server_version: Optional[str] = None
        with as_in_05():
            self.client = today.connect(address, api_key=api_key, policy=None if simulation else policy,
                                        simulation=simulation or None)
        self.simulation_mode = self.client.verdict.outcome == "simulation"
        self.policy = policy

    @_open_only
    def upload_model(self, model: str, input_specs: object = None, output_specs: object = None, shape: object = None,
                     dtype: object = None, dtype_out: object = None, sign: bool = False,
                     model_id: Optional[str] = None, save_model: bool = True) -> UploadModelResponse:
        """Uploads an ONNX file. Its inputs and outputs are read from it: what is said about them here is not used.

        ``model_id``: the file's name when left out, as in 0.5. ``sign=True`` keeps a proof. ``save_model=False``
        asks that the model is not kept; True leaves it to the server, which may keep models in memory only.
        """
        open(model, "rb").close()  # 0.5 raised FileNotFoundError
        name = os.path.basename(model) if model_id is None else model_id
        return upload_model(self.client, model, name, sign, save=None if save_model else False)

    @_open_only
    def predict(self, model_id: str, tensors: Any, dtype: Any = None, shape: Any = None,
                sign: bool = False) -> PredictResponse:
        """Runs a model. ``tensors``: a numpy array, a torch tensor, or a list with one for each input; a flat list
        with ``dtype`` and ``shape``. ``sign=True`` keeps a proof."""
        return predict(self.client, model_id, tensors, dtype, shape, sign)

    run_model = predict

    @_open_only
    def delete_model(self, model_id: str) -> DeleteModelResponse:
        self.client.delete_model(model_id)
        return DeleteModelResponse()

    def close(self) -> None:
        self.closed = True
        self.client.close()

    def __exit__(self, *_: object) -> None:
        self.close()


BlindAiClient = Connection


def connect(*arguments: Any, **named: Any) -> Connection:
    """``Connection(…)``, with its arguments."""
    return Connection(*arguments, **named)


# Called by today's client for words that only 0.5 had.


def _only(words: Dict[str, Any], known: Sequence[str], call: str) -> None:
    for word in words:
        if word not in known:
            raise TypeError(f"{call}() got an unexpected keyword argument '{word}'")


def connect_with_words_of_05(addr: Optional[str], positional: Sequence[Any], api_key: Optional[str], policy: Any,
                             simulation: Optional[bool], words: Dict[str, Any]) -> Connection:
    _only(words, ("server_name", "certificate", "untrusted_port", "attested_port", "debug_mode"), "connect")
    given = {"api_key": api_key, "policy": policy, "simulation": simulation}
    words = {**words, **{word: value for word, value in given.items() if value is not None}}
    return Connection(addr, *positional, **words)


def upload_with_words_of_05(client: today.Client, model: Any, model_id: Optional[str], words: Dict[str, Any],
                            **options: Any) -> UploadModelResponse:
    _only(words, ("input_specs", "output_specs", "shape", "dtype", "dtype_out", "sign", "save_model"), "upload_model")
    if words.get("save_model") is False:
        options["save"] = False
    return upload_model(client, model, model_id, words.get("sign", False), **options)


def predict_with_words_of_05(client: today.Client, model_id: str, inputs: Any, words: Dict[str, Any],
                             **options: Any) -> PredictResponse:
    _only(words, ("tensors", "dtype", "shape", "sign"), "predict")
    tensors = words.get("tensors", inputs)
    return predict(client, model_id, tensors, words.get("dtype"), words.get("shape"), words.get("sign", False),
                   **options)
