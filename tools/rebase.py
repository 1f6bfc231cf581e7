#!/usr/bin/env python3
"""Refreshes the transcripts of the command line: what a command says now takes the place of what no longer matches.

    tools/rebase.py [NAME…]        all of tests/scenarios/, or NAME.txt

Commands that still speak as written keep their lines, "…" included. What is new stands there in full: put "…" for what
differs from run to run, and read the difference before it is committed. Needs the programs (./run build).
"""

import os
import pathlib
import sys
import tempfile

import scenarios
from simulated_server import BIN, ROOT, SimulatedServer


def rebase(path, address):
    """Rewrites one transcript; gives the number of commands that spoke otherwise."""
    lines = path.read_text().splitlines()
    changes = []
    with tempfile.TemporaryDirectory() as folder:
        scenarios.prepare(pathlib.Path(folder))
        for step in scenarios.read(path):
            done = scenarios.run(step, BIN / "blindai", folder, address)
            if not scenarios.is_as_written(step, done, address):
                changes.append((step, scenarios.lines_of(done, address)))
    for step, said in reversed(changes):
        lines[step.line:step.end] = said
    path.write_text("\n".join(lines) + "\n")
    return len(changes)


def main():
    # Nobody's own settings decide what the transcripts say.
    for name in [name for name in os.environ if name.startswith("BLINDAI_") and name != "BLINDAI_BIN"]:
        del os.environ[name]
    paths = [path for path in scenarios.files() if not sys.argv[1:] or path.stem in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as settings, open(os.devnull, "w") as log:
        os.environ["XDG_CONFIG_HOME"] = settings
        with SimulatedServer(log=log) as server:
            for path in paths:
                print(f"{path.relative_to(ROOT)}: {rebase(path, server.address)} refreshed")


if __name__ == "__main__":
    main()
