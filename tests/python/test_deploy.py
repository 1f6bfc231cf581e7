"""What deploy/*.md tells people to type does what the page says: each page is run as one script."""

import re

import pytest

import own_network
from conftest import BIN, ROOT


def script_of(page):
    """The blocks ```sh (commands), ```sh server (one program that goes on) and ```toml FILE."""
    lines = []
    for kind, text in re.findall(r"^```(\S[^\n]*)\n(.*?)^```$", (ROOT / "deploy" / page).read_text(), re.M | re.S):
        if kind == "sh server":
            lines.append(own_network.server(text.strip()))
        elif kind == "sh":
            lines.append(text)
        elif kind.startswith("toml "):
            lines.append(f"cat >{kind.split()[1]} <<'END'\n{text}END\n")
    return "".join(lines)


def test_simulation(tmp_path):
    said = own_network.run(script_of("simulation.md"), tmp_path)
    assert "mode=simulation" in said and "hello" in said.lower()


@pytest.mark.skipif(not (BIN / "blindai-directory").exists(), reason="blindai-directory is not built")
def test_cloud(tmp_path):
    said = own_network.run(script_of("cloud.md"), tmp_path)
    assert "blindai_directory_servers_listed" in said and "hello" in said.lower() and "forgotten" in said
