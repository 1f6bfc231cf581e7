"""BlindAI 0.6: ``connect``, ``BlindAiConnection`` and its responses. Reached as ``blindai.core``."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import uuid
import warnings
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Tuple, Union

from .. import client as today
from ..errors import AccessError, BlindAIError, ModelError, QuotaError
from ..response import Output
from ._datatypes import ModelDatumType, of_protocol, to_array, to_arrays

if TYPE_CHECKING:
    import numpy as np
    import torch

# Programs of 0.6 catch requests.HTTPError; where requests is not installed nobody can.
_HTTPError: Any = OSError
with contextlib.suppress(ImportError):
    from requests import HTTPError as _HTTPError  # type: ignore[import-untyped, no-redef]  # noqa: F811


class RequestError(_HTTPError, BlindAIError):  # type: ignore[misc]
    """The server refused or failed the request; also a ``requests.HTTPError`` where requests is installed."""

    def __init__(self, error: BlindAIError) -> None:
        _HTTPError.__init__(self, f"Client Error: {error}")
        self.code = error.code
        self.param = error.param


class SimulationModeWarning(Warning):
    pass


class TensorInfo:
    def __init__(self, fact: List[int], datum_type: Optional[ModelDatumType], node_name: Optional[str] = None) -> None:
        self.fact = fact
        self.datum_type = datum_type
        self.node_name = node_name


class Tensor:
    """One output. ``datum_type`` is None for FP16, BF16 and BYTES, which BlindAI did not have."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self.info = TensorInfo(list(output.shape), of_protocol(output.datatype), output.name)

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
        """A list, nested as the tensor is: that is what 0.6 gave."""
        return self._output.as_numpy().tolist()  # type: ignore[no-any-return]

    def as_numpy(self) -> "np.ndarray[Any, Any]":
        return self._output.as_numpy()

    def as_torch(self) -> "torch.Tensor":
        return self._output.as_torch()


@dataclasses.dataclass
class UploadResponse:
    model_id: str
    hash: bytes


@dataclasses.dataclass
class RunModelResponse:
    output: List[Tensor]


@contextlib.contextmanager
def _as_in_06() -> Iterator[None]:
    try:
        yield
    except (ModelError, QuotaError, AccessError) as error:
        raise RequestError(error) from error


class BlindAiConnection(contextlib.AbstractContextManager):  # type: ignore[type-arg]
    """0.6's connection. ``client`` is today's client below it."""

    def __init__(self, client: today.Client) -> None:
        self.client = client

    def upload_model(self, model: str, model_name: Optional[str] = None, optimize: bool = True) -> UploadResponse:
        """Uploads an ONNX file under a random id. ``model_name`` and ``optimize`` are not used."""
        with _as_in_06():
            uploaded = self.client.upload_model(model, str(uuid.uuid4()))
        return UploadResponse(uploaded.id, bytes.fromhex(uploaded.sha256))

    def run_model(self, model_id: str = "", model_hash: str = "", input_tensors: Any = None, dtypes: Any = None,
                  shapes: Any = None) -> RunModelResponse:
        """Runs a model by its id, or by the SHA-256 of its file among the models that are listed to this client.

        ``input_tensors``: a numpy array or torch tensor, a list or a dict by input name of them; flat lists with
        ``dtypes`` and ``shapes``.
        """
        if not model_id and not model_hash:
            raise ValueError("You must provide at least one model_id or model_hash")
        if model_id and model_hash:
            raise ValueError("You cannot provide a model_id and a model_hash in the same time")
        inputs = _inputs(input_tensors, dtypes, shapes)
        with _as_in_06():
            response = self.client.predict(model_id or self._by_hash(model_hash), inputs)
        return RunModelResponse([Tensor(output) for output in response.output])

    def delete_model(self, model_id: str) -> None:
        with _as_in_06():
            self.client.delete_model(model_id)

    def close(self) -> None:
        self.client.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _by_hash(self, model_hash: str) -> str:
        for model in self.client.models():
            if model.sha256 == model_hash.lower():
                return model.id
        raise ModelError("no model that is listed to you has this hash; use its id", "model-not-found", "model_hash")


def _inputs(tensors: Any, dtypes: Any, shapes: Any) -> Union[Dict[str, Any], Tuple[Any, ...]]:
    if isinstance(tensors, dict):
        return {name: to_array(tensor, None if dtypes is None else dtypes[name],
                               None if shapes is None else shapes[name]) for name, tensor in tensors.items()}
    return tuple(to_arrays(tensors, dtypes, shapes))


def connect(addr: str, unattested_server_port: int = 9923, attested_server_port: int = 9924,
            model_management_port: int = 9925, hazmat_manifest_path: Optional["os.PathLike[str]"] = None,
            hazmat_http_on_unattested_port: bool = False, simulation_mode: bool = False) -> BlindAiConnection:
    """Connects and verifies.

    ``addr`` is "host" or "host:port" of the server's HTTPS port (8443); the three ports and
    ``hazmat_http_on_unattested_port`` have no meaning any more. ``hazmat_manifest_path``: a manifest.toml of 0.6 or a
    policy of today; else that of ``BLINDAI_POLICY``. There is no built-in manifest.
    """
    if simulation_mode:
        warnings.warn("BlindAI is running in simulation mode: it proves nothing and must not be used in production.",
                      SimulationModeWarning, stacklevel=2)
    policy = None if simulation_mode else hazmat_manifest_path
    return BlindAiConnection(today.connect(addr, policy=policy, simulation=simulation_mode or None))
