"""BlindAI 0.6's interface, over the attested protocol of today's server: docs/migration.md."""

from .errors import AttestationError
from .legacy._datatypes import ModelDatumType
from .legacy.errors import EnclaveHeldDataError, IdentityError, QuoteValidationError
from .legacy.v06 import (BlindAiConnection, RequestError, RunModelResponse, SimulationModeWarning, Tensor, TensorInfo,
                         UploadResponse, connect)

__all__ = [
    "AttestationError",
    "BlindAiConnection",
    "EnclaveHeldDataError",
    "IdentityError",
    "ModelDatumType",
    "QuoteValidationError",
    "RequestError",
    "RunModelResponse",
    "SimulationModeWarning",
    "Tensor",
    "TensorInfo",
    "UploadResponse",
    "connect",
]
