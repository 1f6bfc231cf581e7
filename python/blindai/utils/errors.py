"""BlindAI 0.5's errors where its programs import them from; blindai.legacy has them."""

from ..legacy.errors import (AttestationError, DebugNotAllowedError, EnclaveHeldDataError,
                             HardwareModeUnsupportedError, IdentityError, NotAnEnclaveError, QuoteValidationError,
                             SignatureError, VersionError)

__all__ = [
    "AttestationError",
    "DebugNotAllowedError",
    "EnclaveHeldDataError",
    "HardwareModeUnsupportedError",
    "IdentityError",
    "NotAnEnclaveError",
    "QuoteValidationError",
    "SignatureError",
    "VersionError",
]
