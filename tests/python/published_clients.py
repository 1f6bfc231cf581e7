"""BlindAI's published Python clients, installed from PyPI as they are, and a server that speaks their protocols.

../shared/clients has the programs that drive them. Where it, or a Python that they run on, is missing, the tests are
skipped and say so. The clients are installed once, into build/clients or the folder that BLINDAI_CLIENTS names.
"""

import json
import os
import pathlib
import re
import subprocess

import pytest

from conftest import BIN, ROOT, SimulatedServer

PROGRAMS = ROOT.parent / "shared" / "clients"
INSTALLED = pathlib.Path(os.environ.get("BLINDAI_CLIENTS", ROOT / "build/clients"))
INSTALL_TIMEOUT_S = 600
PROGRAM_TIMEOUT_S = 300

# What the quote of platform = "files" vouches for (docs/formats/legacy-protocols.md).
MAKE_IDENTITY = """
import datetime, pathlib, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

folder = pathlib.Path(sys.argv[1])
key, result_key = ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()
raw = result_key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
host = sys.argv[2]
name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, host)])
now = datetime.datetime.utcnow()
certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
               .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
               .not_valid_after(now + datetime.timedelta(days=30))
               .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), False)
               .add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.3.2"), raw), False)
               .sign(key, hashes.SHA256()))
pem = lambda private: private.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
(folder / "certificate.der").write_bytes(certificate.public_bytes(serialization.Encoding.DER))
(folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
(folder / "key.pem").write_bytes(pem(key))
(folder / "result-key.pem").write_bytes(pem(result_key))
"""


def install():
    """The folder with python05 and python06, each a Python with its client."""
    if not PROGRAMS.is_dir():
        pytest.skip("../shared/clients is not there: the published clients are not tested")
    if (INSTALLED / "python06").exists():
        return INSTALLED
    done = subprocess.run([PROGRAMS / "install.sh", INSTALLED], capture_output=True, text=True,
                          timeout=INSTALL_TIMEOUT_S)
    if "no Python 3.10 or 3.11 found" in done.stderr:
        pytest.skip("no Python 3.10 or 3.11: the published clients do not run on others")
    assert done.returncode == 0, done.stderr[-2000:]
    return INSTALLED


def drive(python, program, *arguments):
    """What a program of ../shared/clients found: {"ok", "failed", "passed"}."""
    done = subprocess.run([INSTALLED / python, PROGRAMS / program, *map(str, arguments)], capture_output=True,
                          text=True, timeout=PROGRAM_TIMEOUT_S)
    assert done.stdout.startswith("{"), done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def make_identity(folder, host="blindai-srv"):
    """certificate.der, certificate.pem, key.pem and result-key.pem."""
    subprocess.run([INSTALLED / "python06", "-c", MAKE_IDENTITY, folder, host], check=True, timeout=PROGRAM_TIMEOUT_S)


def make_evidence(folder):
    """Fills a folder for platform = "files": a certificate with its keys, and SGX evidence for it under test roots."""
    make_identity(folder)
    subprocess.run([INSTALLED / "python06", PROGRAMS / "sgx_evidence.py", folder / "certificate.der", folder],
                   check=True, timeout=PROGRAM_TIMEOUT_S)


class LegacyServer(SimulatedServer):
    """A server with old protocols on free ports; `evidence` makes it serve that folder instead of simulating."""

    def __init__(self, folder, compat, log, evidence=None, legacy="", top=""):
        config = folder / "server.toml"
        ports = "".join(f'{port} = "127.0.0.1:0"\n' for port in (
            "v05_untrusted", "v05_attested", "v06_unattested", "v06_attested", "v06_management"))
        files = f'[files]\ndirectory = "{evidence}"\n[accounts]\nanonymous = true\n' if evidence else ""
        platform = 'platform = "files"\n' if evidence else ""
        config.write_text(f"compat = {json.dumps(compat)}\n{platform}{top}{files}[legacy]\n{ports}{legacy}")
        super().__init__("--config", str(config), program=BIN / "blindai-server", log=log)
        if evidence:
            self._command.remove("--simulation")
        self.ports = {}

    def _wait_until_ready(self):
        addresses = super()._wait_until_ready()
        for protocol, ports in re.findall(r"(v0[56])=(\S+)", self.ready_line):
            self.ports[protocol] = [int(address.rpartition(":")[2]) for address in ports.split(",")]
        return addresses


# Fixtures of the modules that import them.
@pytest.fixture(scope="module")
def clients():
    """The folder of the installed clients."""
    return install()


@pytest.fixture(scope="module")
def tiny_model(clients, tmp_path_factory):
    """The model of the clients' own checks."""
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    subprocess.run([clients / "python06", PROGRAMS / "checks.py", path], check=True, timeout=60)
    return path
