#!/usr/bin/env python3
"""A blindai-server in simulation on free ports, for as long as a program needs it.

    tools/simulated_server.py -- PROGRAM ARG…       runs the program with BLINDAI_ADDR and BLINDAI_SIMULATION set

    with SimulatedServer() as server:               the same from Python
        blindai.connect(addr=server.address, simulation=True)
"""

import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
# ./run builds into build/bin; while working, BLINDAI_BIN may name another build's folder.
BIN = pathlib.Path(os.environ.get("BLINDAI_BIN", ROOT / "build/bin"))
PROGRAM = BIN / "blindai-server"
START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 20


class SimulatedServer:
    def __init__(self, *arguments, program=PROGRAM, listen="127.0.0.1:0", grpc="127.0.0.1:0", log=None, config=""):
        """`config`: the text of its configuration file, beside what the arguments say."""
        self._config = config
        self._command = [str(program), "--simulation", "--listen", listen, "--grpc", grpc,
                         "--admin", "127.0.0.1:0", *arguments]
        self._log = log
        self.process = None
        self.address = self.admin = self.grpc = self.ready_line = None

    def __enter__(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(self._config)
            file.flush()
            command = [*self._command, "--config", file.name] if self._config else self._command
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log, text=True)
            try:
                self.address, self.admin = self._wait_until_ready()
            except BaseException:
                self.__exit__()
                raise
        return self

    def _wait_until_ready(self):
        """(address, admin address) from the one line that the server prints when it serves."""
        readable, _, _ = select.select([self.process.stdout], [], [], START_TIMEOUT_S)
        self.ready_line = self.process.stdout.readline() if readable else ""
        ready = re.match(r"blindai-server ready https=(\S+) admin=(\S+)", self.ready_line)
        if not ready:
            raise RuntimeError(f"the server did not start within {START_TIMEOUT_S} s (exit code {self.process.poll()})")
        grpc = re.search(r" grpc=(\S+)", self.ready_line)
        self.grpc = grpc and grpc[1]
        return ready.groups()

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def resident_mib(self):
        """Resident memory of the server and of its workers, in MiB: (front process, [workers])."""
        def resident(pid):
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            return int(re.search(r"^VmRSS:\s+(\d+)", status, re.M)[1]) / 1024

        return resident(self.process.pid), [resident(pid) for pid in children(self.process.pid)]


def children(parent):
    """The processes below `parent`, at any depth."""
    found, parents = [], {}
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        parents[int(status.parent.name)] = int(fields[1])
    todo = [parent]
    while todo:
        pid = todo.pop()
        below = [child for child, its_parent in parents.items() if its_parent == pid]
        found += below
        todo += below
    return sorted(found)


def main():
    if len(sys.argv) < 3 or sys.argv[1] != "--":
        print(__doc__, file=sys.stderr)
        return 2
    log_path = ROOT / "build/log/simulated-server.log"
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with open(log_path, "w") as log, SimulatedServer(log=log) as server:
        environment = {**os.environ, "BLINDAI_ADDR": server.address, "BLINDAI_SIMULATION": "1"}
        code = subprocess.run(sys.argv[2:], env=environment).returncode
    if code:
        print(f"exit code {code}; the server's log is {log_path.relative_to(ROOT)}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
