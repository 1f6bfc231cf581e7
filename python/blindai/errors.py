"""What can go wrong. Wrong arguments are a ValueError or a TypeError, as everywhere in Python."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from ._native import Verdict


class BlindAIError(Exception):
    """The base of every error of this package.

    ``code`` is stable and documented in docs/formats/errors.md; ``param`` names the field that is wrong, where
    there is one.
    """

    code: str
    param: Optional[str]

    def __init__(self, message: str, code: str = "", param: Optional[str] = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class AttestationError(BlindAIError):
    """The server is not what it must be, or could not prove it. Nothing was sent to it.

    ``verdict`` holds every finding; None when the server gave no evidence that could be read.
    """

    verdict: Optional["Verdict"]

    def __init__(self, message: str, code: str = "", param: Optional[str] = None,
                 verdict: Optional["Verdict"] = None) -> None:
        super().__init__(message, code, param)
        self.verdict = verdict


class ConnectionError(BlindAIError, builtins.ConnectionError):
    """No connection, a lost one, a time limit, or a part of the server that is not there now."""


class ModelError(BlindAIError):
    """The server refused or failed the request: an unknown model, a wrong shape, a model it does not accept, …"""


class QuotaError(BlindAIError):
    """A queue or a quota is full. Later may work; the message says when, where the server does."""


class AccessError(BlindAIError, builtins.PermissionError):
    """The API key is missing, unknown, or not allowed to do this."""


_KINDS = {"connection": ConnectionError, "model": ModelError, "quota": QuotaError, "access": AccessError}


def from_native(kind: str, code: str, message: str, param: str, verdict: Optional["Verdict"]) -> Exception:
    """The exception for an error of the C++ client."""
    if kind == "argument":
        return ValueError(message)
    if kind == "attestation":
        return AttestationError(message, code, None, verdict if code != "attestation-answer" else None)
    return _KINDS[kind](message, code, param or None)
