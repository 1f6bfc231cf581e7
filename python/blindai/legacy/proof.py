"""What a connection proved about one call, kept in a file and judged again without the server.

The file is JSON (docs/formats/proof.md). It proves to whoever made it that a machine which a policy accepts was at the
other end of the connection, and that the call in it is the one that was written down. The server signs no results:
a proof says nothing to somebody who does not trust the one that kept it.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import os
from typing import Any, Dict, List, Optional, Union

import numpy as np

from .. import _datatypes, _native
from ..errors import AttestationError
from ..response import Output
from .errors import SignatureError, of_attestation

VERSION = 1


class Policy:
    """What is accepted: one of today's policies (docs/formats/policy.md), or a policy.toml of 0.5."""

    def __init__(self, text: str) -> None:
        self.text = text

    @staticmethod
    def from_str(text: str) -> "Policy":
        return Policy(text)

    @staticmethod
    def from_file(path: Union[str, "os.PathLike[str]"]) -> "Policy":
        with open(path, encoding="utf-8") as file:
            return Policy(file.read())


def input_hash(arrays: List[Any]) -> bytes:
    """0.5's rule: SHA-256 of the elements of all tensors, in order, little-endian, row by row."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(_datatypes.encode(array, None)[2].tobytes())
    return digest.digest()


def of_output(output: Output) -> Dict[str, Any]:
    return {"name": output.name, "datatype": output.datatype, "shape": list(output.shape),
            "data": base64.b64encode(output._raw.tobytes()).decode()}


def to_output(entry: Dict[str, Any]) -> Output:
    raw = np.frombuffer(base64.b64decode(entry["data"], validate=True), np.uint8)
    return Output(entry["name"], entry["datatype"], tuple(entry["shape"]), raw)


class SignedResponse:
    """A response that may carry a proof: ``payload`` is the call as JSON, ``attestation`` what was proved."""

    payload: Optional[bytes] = None
    signature: Optional[bytes] = None  # the server signs no results
    attestation: Optional[str] = None
    _kind = ""

    def is_signed(self) -> bool:
        """Whether there is a proof: the call was made with ``sign=True``."""
        return self.payload is not None and self.attestation is not None

    def is_simulation_mode(self) -> bool:
        """Whether the evidence is simulated. True without a proof: nothing says otherwise."""
        if self.attestation is None:
            return True
        return bool(json.loads(json.loads(self.attestation)["answer"]).get("tee") == "simulated")

    def as_bytes(self) -> bytes:
        if not self.is_signed():
            raise SignatureError("Response is not signed")
        assert self.payload is not None and self.attestation is not None
        proof = {"version": VERSION, "call": self.payload.decode(), "connection": self.attestation,
                 "sha256": _digest(self.payload.decode(), self.attestation)}
        return json.dumps(proof).encode()

    def save_to_file(self, path: str) -> None:
        with open(path, "wb") as file:
            file.write(self.as_bytes())

    def load_from_file(self, path: str) -> None:
        with open(path, "rb") as file:
            self.load_from_bytes(file.read())

    def load_from_bytes(self, b: bytes) -> None:
        """Raises SignatureError for a file that is no proof, or a damaged one."""
        try:
            proof = json.loads(b)
            if proof["version"] != VERSION:
                raise SignatureError(f"the proof is of version {proof['version']}, this program reads {VERSION}")
            call, connection = proof["call"], proof["connection"]
            if _digest(call, connection) != proof["sha256"]:
                raise SignatureError("the proof is damaged: its digest does not fit")
            facts = json.loads(call)
            if facts["kind"] != self._kind:
                raise SignatureError(f"this is the proof of another kind of call: {facts['kind']}")
            self._load_call(facts)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SignatureError("the file is no proof of this package; proofs that BlindAI 0.5 made stay readable "
                                 "with the package that made them") from error
        self.payload, self.attestation = call.encode(), connection

    def _load_call(self, facts: Dict[str, Any]) -> None:
        raise NotImplementedError

    def _keep(self, facts: Dict[str, Any], connection: str) -> None:
        self.payload = json.dumps({"kind": self._kind, **facts}).encode()
        self.attestation = connection

    def _call(self) -> Dict[str, Any]:
        assert self.payload is not None
        facts: Dict[str, Any] = json.loads(self.payload)
        return facts

    def _judge(self, policy_file: Optional[str], policy: Optional[Policy], validate_quote: bool,
               allow_simulation_mode: bool, roots: List[bytes], at: Optional[datetime.datetime]) -> None:
        """Raises unless there is a proof whose evidence is acceptable, judged now or at another time."""
        if not self.is_signed():
            raise SignatureError("Response is not signed")
        if self.is_simulation_mode() and not allow_simulation_mode:
            raise SignatureError("Response was produced using simulation mode")
        if not validate_quote:
            return
        name = policy_file or (os.environ.get("BLINDAI_POLICY") if policy is None else None)
        chosen = Policy.from_file(name) if name else policy
        simulated = self.is_simulation_mode()
        assert self.attestation is not None
        verdict = _native.judge_record(self.attestation, None if chosen is None or simulated else chosen.text, roots,
                                       simulated and allow_simulation_mode, None if at is None else int(at.timestamp()))
        if not (verdict.trusted or (simulated and verdict.outcome == "simulation")):
            raise of_attestation(AttestationError(f"the evidence in the proof is not acceptable: {verdict.outcome}\n"
                                                  f"{verdict}", "attestation-" + verdict.outcome, None, verdict))


def _digest(call: str, connection: str) -> str:
    return hashlib.sha256(json.dumps([call, connection]).encode()).hexdigest()
