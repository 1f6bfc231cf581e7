"""Shell scripts in a network of their own: fixed ports meet nobody else's, and all that is sent is the script's."""

import os
import shutil
import subprocess

import pytest

from conftest import BIN, ROOT

PATIENCE_S = 300
ALONE = ["unshare", "--map-root-user", "--net", "--mount"]

# A server runs until the script ends; the next line begins when it has said that it is ready.
SERVER = """
exec {{server}}< <(exec {command} 2>>"$HOME/servers.log")
servers+=($!)
read -r -u "$server" ready || {{ cat "$HOME/servers.log"; exit 1; }}
echo "$ready"
"""
FRAME = """
set -euo pipefail
ip link set lo up
if [[ -e hosts ]]; then mount --bind hosts /etc/hosts; fi
servers=()
trap '(("${{#servers[@]}}" == 0)) || {{ kill "${{servers[@]}}" || true; wait; }}' EXIT
{body}
echo SCRIPT DONE
"""


def server(command):
    """The lines that start it."""
    return SERVER.format(command=command)


def run(body, folder):
    """What the script printed; it runs in `folder`, beside models/, with our programs and the names in a file hosts."""
    if not shutil.which("ip") or subprocess.run([*ALONE, "true"], capture_output=True).returncode != 0:
        pytest.skip("SKIPPED: no network of one's own here (unshare --map-root-user --net --mount, iproute2)")
    (folder / "models").symlink_to(ROOT / "models")
    environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(folder)}
    done = subprocess.run([*ALONE, "bash", "-c", FRAME.format(body=body)], cwd=folder, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE_S)
    assert done.returncode == 0 and "SCRIPT DONE" in done.stdout, done.stdout
    return done.stdout
