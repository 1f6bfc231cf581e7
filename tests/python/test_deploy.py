"""What deploy/*.md tells people to type does what the page says.

Each page is run as one script, in a network of its own.
"""

import os
import re
import shutil
import subprocess

import pytest

from conftest import BIN, ROOT

PATIENCE_S = 300

# A server of a page runs until the page ends; the next block begins when it has said that it is ready.
SERVER = """
exec {{server}}< <(exec {command} 2>>"$HOME/servers.log")
servers+=($!)
read -r -u "$server" ready
echo "$ready"
"""
FRAME = """
set -euo pipefail
ip link set lo up
servers=()
trap '(("${{#servers[@]}}" == 0)) || {{ kill "${{servers[@]}}"; wait; }}' EXIT
{body}
echo PAGE DONE
"""


def script_of(page):
    """The blocks ```sh (commands), ```sh server (one program that goes on) and ```toml FILE."""
    lines = []
    for kind, text in re.findall(r"^```(\S[^\n]*)\n(.*?)^```$", (ROOT / "deploy" / page).read_text(), re.M | re.S):
        if kind == "sh server":
            lines.append(SERVER.format(command=text.strip()))
        elif kind == "sh":
            lines.append(text)
        elif kind.startswith("toml "):
            lines.append(f"cat >{kind.split()[1]} <<'END'\n{text}END\n")
    return FRAME.format(body="".join(lines))


def run_page(page, tmp_path):
    alone = ["unshare", "--map-root-user", "--net"]
    if not shutil.which("ip") or subprocess.run([*alone, "true"], capture_output=True).returncode != 0:
        pytest.skip("SKIPPED: no network of one's own here (unshare --map-root-user --net, iproute2)")
    (tmp_path / "models").symlink_to(ROOT / "models")
    environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    done = subprocess.run([*alone, "bash", "-c", script_of(page)], cwd=tmp_path, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE_S)
    assert done.returncode == 0 and "PAGE DONE" in done.stdout, done.stdout
    return done.stdout


def test_simulation(tmp_path):
    said = run_page("simulation.md", tmp_path)
    assert "mode=simulation" in said and "hello" in said.lower()


@pytest.mark.skipif(not (BIN / "blindai-directory").exists(), reason="blindai-directory is not built")
def test_cloud(tmp_path):
    said = run_page("cloud.md", tmp_path)
    assert "blindai_directory_servers_listed" in said and "hello" in said.lower() and "forgotten" in said
