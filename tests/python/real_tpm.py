"""A real TPM in software, as the C++ tests have it: alone, or with a server of its own."""

import contextlib
import os
import pathlib
import subprocess

import pytest

from conftest import BIN, ROOT

# Built with the C++ tests.
PROGRAM = pathlib.Path(os.environ.get("BLINDAI_TPM_SERVER", ROOT / "build/release/tests/system/tpm_server"))


@contextlib.contextmanager
def _running(*arguments):
    if not PROGRAM.exists():
        pytest.skip("SKIPPED: the C++ tests are not built (./run ctest release)")
    places = {**os.environ, "BLINDAI_SOURCE_DIR": str(ROOT), "BLINDAI_BINARY_DIR": str(BIN.parent)}
    with subprocess.Popen([PROGRAM, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          env=places) as process:
        word, *rest = process.stdout.readline().split() or ["no answer"]
        if word == "skip":
            pytest.skip("SKIPPED: swtpm is not installed (packages swtpm, swtpm-tools)")
        assert word == "ready", word
        yield rest[0], pathlib.Path(rest[1])
        process.stdin.close()


def server():
    """(address, folder with ca.pem, other-ca.pem and policy.toml)"""
    return _running()


def machine():
    """(how the TPM is reached, folder with also ak.pem)"""
    return _running("machine")
