"""Transcripts of the command line (tests/scenarios/*.txt): how they are read, run and compared.

    $ blindai models list --addr {addr} --simulation      a command; {addr} is the server of the test
    MODEL  STATE …                                         what it writes to stdout
    ! blindai: simulation permitted: …                     what it writes to stderr
    [exit 3]                                               its exit code, where it is not 0

"…" stands for anything within a line, and a line of nothing else for any number of lines. Lines that begin with # are
remarks. Each file runs in a folder of its own with model.onnx (two inputs a and b, output total), a.npy, b.npy,
simulated.hex and the demo speech model in demo/.
"""

import dataclasses
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests/scenarios"
sys.path.insert(0, str(ROOT / "tests/python"))
import onnx_models  # noqa: E402


@dataclasses.dataclass
class Step:
    """One command, and what is expected of it; `line` and `end` are the places of its lines in the file."""

    line: int
    command: str
    end: int = 0
    out: list = dataclasses.field(default_factory=list)
    err: list = dataclasses.field(default_factory=list)
    exit: int = 0


def files():
    return sorted(FOLDER.glob("*.txt"))


def read(path):
    steps = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("$ "):
            steps.append(Step(number, line[2:], number))
            continue
        if not steps or not line or line.startswith("#"):
            continue
        steps[-1].end = number
        if re.fullmatch(r"\[exit \d\]", line):
            steps[-1].exit = int(line[6])
        elif line.startswith("!"):
            steps[-1].err.append(line[2:])
        else:
            steps[-1].out.append(line)
    return steps


def prepare(folder):
    (folder / "model.onnx").write_bytes(onnx_models.adder())
    (folder / "broken.onnx").write_bytes(onnx_models.adder()[:-40])
    shutil.copy(FOLDER / "simulated.hex", folder)
    (folder / "demo").symlink_to(ROOT / "models/blindai-demo-en")
    np.save(folder / "a.npy", np.array([1, 2.5], np.float32))
    np.save(folder / "b.npy", np.array([3, 4], np.float32))
    np.save(folder / "doubles.npy", np.array([3, 4], np.float64))


def run(step, program, folder, address):
    """The finished process; `program` takes the place of "blindai"."""
    words = shlex.split(step.command.replace("{addr}", address))
    assert words[0] == "blindai"
    return subprocess.run([program, *words[1:]], cwd=folder, capture_output=True, text=True, timeout=120)


def matches(wanted, text, address):
    pattern = "".join(r"(?:.*\n)*?" if line == "…" else ".*?".join(map(re.escape, line.split("…"))) + r"\n"
                      for line in (line.replace("{addr}", address) for line in wanted))
    return re.fullmatch(pattern, re.sub(r"\n\n+", "\n", text)) is not None


def is_as_written(step, done, address):
    return (done.returncode == step.exit and matches(step.out, done.stdout, address)
            and matches(step.err, done.stderr, address))


def lines_of(done, address):
    """What a transcript says of a finished process."""
    def plain(text):
        return [line for line in text.replace(address, "{addr}").splitlines() if line]

    exit_code = [f"[exit {done.returncode}]"] if done.returncode else []
    return [*plain(done.stdout), *(f"! {line}" for line in plain(done.stderr)), *exit_code]
