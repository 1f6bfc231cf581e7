"""Client of blindai, the confidential inference server.

    import blindai
    with blindai.connect(addr="localhost", simulation=True) as client:
        client.upload_model("model.onnx", model_id="demo")
        response = client.predict("demo", input_values)
        response.output[0].as_numpy()

``connect`` verifies the machine at the other end before anything is sent to it: hardware evidence, bound to this very
connection. What was found is in ``client.verdict``. Needs numpy and nothing else.
"""

from typing import Any

from ._native import Finding, Model, TensorSpec, Verdict
from .async_client import AsyncClient
from .client import Client, connect
from .errors import AccessError, AttestationError, BlindAIError, ConnectionError, ModelError, QuotaError
from .live import AsyncLiveTranscription, LiveEvent, LiveTranscription
from .response import Output, Outputs, Response
from .transcription import AsyncTranscriptionStream, Transcription, TranscriptionStream
from .transcription_job import AsyncTranscriptionJob, TranscriptionJob

__version__ = "0.1.0"

__all__ = [
    "AccessError",
    "AsyncClient",
    "AsyncLiveTranscription",
    "AsyncTranscriptionJob",
    "AsyncTranscriptionStream",
    "AttestationError",
    "BlindAIError",
    "Client",
    "ConnectionError",
    "Finding",
    "LiveEvent",
    "LiveTranscription",
    "Model",
    "ModelError",
    "Output",
    "Outputs",
    "QuotaError",
    "Response",
    "TensorSpec",
    "Transcription",
    "TranscriptionJob",
    "TranscriptionStream",
    "Verdict",
    "connect",
]

# BlindAI 0.5's names, loaded by the programs that use them (docs/migration.md).
_OF_05 = ("BlindAiClient", "Connection", "DeleteModelResponse", "ModelDatumType", "PredictResponse", "SignedResponse",
          "Tensor", "TensorInfo", "UploadModelResponse")


def __getattr__(name: str) -> Any:
    if name in _OF_05:
        from . import legacy

        return getattr(legacy, name)
    raise AttributeError(f"module 'blindai' has no attribute '{name}'")
