#!/usr/bin/env python3
"""Makes pictures of the gateway's page in all its states (./run screenshots).

    tools/screenshots.py [FOLDER]        default: build/screenshots
"""

import os
import pathlib
import subprocess
import sys
import tempfile

from local_gateway import Gateway
from simulated_server import ROOT, SimulatedServer

BLINDAI = ROOT / "build/bin/blindai"
DEMO = ROOT / "models/blindai-demo-en/blindai-demo-en.onnx"


def main():
    folder = pathlib.Path(sys.argv[1] if sys.argv[1:] else ROOT / "build/screenshots").resolve()
    # Nobody's own settings are in the pictures.
    for name in [name for name in os.environ if name.startswith("BLINDAI_") and name != "BLINDAI_CHROMIUM"]:
        del os.environ[name]
    with tempfile.TemporaryDirectory() as settings, SimulatedServer(log=subprocess.DEVNULL) as server:
        os.environ["XDG_CONFIG_HOME"] = os.environ["XDG_STATE_HOME"] = settings
        subprocess.run([BLINDAI, "models", "upload", DEMO, "--id", "speech", "--kind", "ctc-speech", "--visibility",
                        "public", "--addr", server.address, "--simulation"], check=True, capture_output=True)
        with Gateway(server.address, "--simulation") as gateway, Gateway(server.address) as refused:
            pages = {"BLINDAI_PAGE": gateway.page, "BLINDAI_REFUSED_PAGE": refused.page}
            subprocess.run(["node", "screenshots.js", folder], cwd=ROOT / "tests/web", check=True,
                           env={**os.environ, **pages})


if __name__ == "__main__":
    main()
