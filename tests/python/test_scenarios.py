"""Transcripts of the command line, tests/scenarios/*.txt: what a person types, and everything that they then read.

    $ blindai models list --addr {addr} --simulation      a command; {addr} is the server of the test
    MODEL  STATE …                                         what it writes to stdout
    ! blindai: simulation permitted: …                     what it writes to stderr
    [exit 3]                                               its exit code, where it is not 0

"…" stands for anything within a line, and a line of nothing else for any number of lines. Lines that begin with # are
remarks. Each file runs in a folder of its own with model.onnx (two inputs a and b, output total), a.npy, b.npy,
simulated.hex and the demo speech model in demo/.
"""

import pathlib
import re
import shlex
import shutil
import subprocess

import numpy as np
import pytest

import onnx_models
from conftest import BIN, ROOT

FILES = sorted((ROOT / "tests/scenarios").glob("*.txt"))


class Step:
    def __init__(self, line, command):
        self.line, self.command, self.out, self.err, self.exit = line, command, [], [], 0


def read(path):
    steps = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("$ "):
            steps.append(Step(number, line[2:]))
        elif steps and re.fullmatch(r"\[exit \d\]", line):
            steps[-1].exit = int(line[6])
        elif steps and line.startswith("!"):
            steps[-1].err.append(line[2:])
        elif steps and line and not line.startswith("#"):
            steps[-1].out.append(line)
    return steps


def matches(wanted, text):
    pattern = "".join(r"(?:.*\n)*?" if line == "…" else ".*?".join(map(re.escape, line.split("…"))) + r"\n"
                      for line in wanted)
    return re.fullmatch(pattern, re.sub(r"\n\n+", "\n", text)) is not None


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model.onnx").write_bytes(onnx_models.adder())
    (tmp_path / "broken.onnx").write_bytes(onnx_models.adder()[:-40])
    shutil.copy(ROOT / "tests/scenarios/simulated.hex", tmp_path)
    (tmp_path / "demo").symlink_to(ROOT / "models/blindai-demo-en")
    np.save(tmp_path / "a.npy", np.array([1, 2.5], np.float32))
    np.save(tmp_path / "b.npy", np.array([3, 4], np.float32))
    np.save(tmp_path / "doubles.npy", np.array([3, 4], np.float64))
    return tmp_path


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_command_line_speaks_as_written(path, server, folder):
    for step in read(path):
        words = shlex.split(step.command.replace("{addr}", server.address))
        assert words[0] == "blindai"
        done = subprocess.run([BIN / "blindai", *words[1:]], cwd=folder, capture_output=True, text=True, timeout=120)
        place = f"{path.relative_to(ROOT)}:{step.line}: {step.command}\n"
        place += f"--- stdout\n{done.stdout}--- stderr\n{done.stderr}"
        assert done.returncode == step.exit, place
        for wanted, text in ((step.out, done.stdout), (step.err, done.stderr)):
            wanted = [line.replace("{addr}", server.address) for line in wanted]
            assert matches(wanted, text), place


def test_there_are_transcripts():
    assert FILES


def test_a_result_in_a_closed_pipe_kills_nothing(server):
    command = f"{shlex.quote(str(BIN / 'blindai'))} attest {server.address} --simulation | head -n 1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.startswith("verdict: simulation")
