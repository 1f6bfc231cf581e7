"""connect(policy=…, roots=…) against a server whose evidence a real TPM in software makes."""

import contextlib
import os
import pathlib
import subprocess

import pytest

import blindai
import onnx_models
from conftest import BIN, ROOT

# Built with the C++ tests.
PROGRAM = pathlib.Path(os.environ.get("BLINDAI_TPM_SERVER", ROOT / "build/release/tests/system/tpm_server"))


@contextlib.contextmanager
def tpm_server():
    """(address, folder with ca.pem, other-ca.pem and policy.toml)"""
    if not PROGRAM.exists():
        pytest.skip("SKIPPED: the C++ tests are not built (./run ctest release)")
    places = {**os.environ, "BLINDAI_SOURCE_DIR": str(ROOT), "BLINDAI_BINARY_DIR": str(BIN.parent)}
    with subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=places) as process:
        word, *rest = process.stdout.readline().split() or ["no answer"]
        if word == "skip":
            pytest.skip("SKIPPED: swtpm is not installed (packages swtpm, swtpm-tools)")
        assert word == "ready", word
        yield rest[0], pathlib.Path(rest[1])
        process.stdin.close()


def test_a_real_tpm_is_trusted_under_its_policy_and_ca():
    with tpm_server() as (address, folder):
        with blindai.connect(address, policy=folder / "policy.toml", roots=[folder / "ca.pem"]) as client:
            assert client.verdict.outcome == "trusted"
            client.upload_model(onnx_models.adder(), model_id="adder")
            assert client.model("adder").id == "adder"


def test_under_another_ca_it_is_refused():
    with tpm_server() as (address, folder):
        for roots in ([folder / "other-ca.pem"], []):
            with pytest.raises(blindai.AttestationError) as refused:
                blindai.connect(address, policy=folder / "policy.toml", roots=roots)
            assert "wrong-root" in str(refused.value.verdict)
