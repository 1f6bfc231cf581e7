"""BlindAI 0.5's Python interface, over the attested protocol of today's server.

    import blindai.legacy as blindai        everything as in 0.5, results included

``import blindai`` alone understands most of 0.5 too: its ``connect`` and the client's methods take 0.5's words.
``blindai.core`` has 0.6's interface. What differs from the published clients: docs/migration.md.
"""

from ._datatypes import ModelDatumType
from .errors import (AttestationError, DebugNotAllowedError, EnclaveHeldDataError, HardwareModeUnsupportedError,
                     IdentityError, NotAnEnclaveError, QuoteValidationError, SignatureError, VersionError)
from .proof import Policy, SignedResponse
from .v05 import (BlindAiClient, Connection, DeleteModelResponse, PredictResponse, Tensor, TensorInfo,
                  UploadModelResponse, connect)

__all__ = [
    "AttestationError",
    "BlindAiClient",
    "Connection",
    "DebugNotAllowedError",
    "DeleteModelResponse",
    "EnclaveHeldDataError",
    "HardwareModeUnsupportedError",
    "IdentityError",
    "ModelDatumType",
    "NotAnEnclaveError",
    "Policy",
    "PredictResponse",
    "QuoteValidationError",
    "SignatureError",
    "SignedResponse",
    "Tensor",
    "TensorInfo",
    "UploadModelResponse",
    "VersionError",
    "connect",
]
