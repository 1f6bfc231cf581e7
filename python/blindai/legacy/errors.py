"""The errors of BlindAI 0.5, each also an error of today's package."""

from __future__ import annotations

import contextlib
from typing import Iterator

from .. import errors
from ..errors import AttestationError


class SignatureError(errors.BlindAIError):
    """A proof does not fit what it is compared with, or there is none."""


class QuoteValidationError(AttestationError):
    """The evidence is not authentic, or its endorsements have ended."""


class NotAnEnclaveError(QuoteValidationError):
    """The maker of the hardware does not vouch for the evidence."""


class EnclaveHeldDataError(QuoteValidationError):
    """The evidence belongs to another connection or another key."""


class IdentityError(AttestationError):
    """What runs there is not what the policy names."""


class DebugNotAllowedError(AttestationError):
    """The machine or enclave runs in debug mode, and the policy does not allow it."""


class HardwareModeUnsupportedError(AttestationError):
    """The server runs in simulation, and simulation was not permitted."""


class VersionError(errors.ConnectionError):
    """Never raised: the protocol has no versions that exclude each other."""


# By the codes of findings (docs/formats/verdict.md); the first that the verdict has decides.
_KINDS = (
    (("simulation",), HardwareModeUnsupportedError),
    (("bad-chain", "wrong-root", "unsigned", "revoked"), NotAnEnclaveError),
    (("nonce-mismatch", "connection-mismatch", "key-mismatch", "report-data-mismatch"), EnclaveHeldDataError),
    (("bad-signature", "bad-certificate", "expired", "not-yet-valid", "crl-missing"), QuoteValidationError),
    (("debug",), DebugNotAllowedError),
    (("measurement",), IdentityError),
)


def of_attestation(error: AttestationError) -> AttestationError:
    """The same error as one of 0.5's."""
    verdict = error.verdict
    for codes, kind in _KINDS:
        if verdict is not None and any(map(verdict.has, codes)):
            return kind(str(error), error.code, error.param, verdict)
    return error


@contextlib.contextmanager
def as_in_05() -> Iterator[None]:
    """0.5 knew two outcomes: a connection that is not acceptable, and everything else, a ConnectionError."""
    try:
        yield
    except AttestationError as error:
        raise of_attestation(error) from error
    except (errors.ModelError, errors.QuotaError, errors.AccessError) as error:
        raise errors.ConnectionError(f"Received RPC error: code={error.code} message={error}", error.code,
                                     error.param) from error
