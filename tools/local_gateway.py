"""A `blindai gateway` on free ports, for tests, figures and pictures."""

import http.client
import json
import re
import signal
import subprocess

from simulated_server import BIN


class Gateway:
    """A gateway on a free port, in front of the server at `address`."""

    def __init__(self, address, *words):
        """With no address it follows a directory, which the words or the environment name."""
        where = ["--addr", address] if address else []
        self._command = [BIN / "blindai", "gateway", *where, "--listen", "127.0.0.1:0", "--grpc", "0",
                         *words]

    def __enter__(self):
        self.process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        ready = re.fullmatch(
            r"blindai gateway ready http=(\S+) page=http://(\S+)/#token=(.+) grpc=(\S+)(?: wyoming=(\S+))?\n",
            self.process.stdout.readline())
        self.host, self.token, self.grpc, self.wyoming = ready[1], ready[3], ready[4], ready[5]
        self.page = f"http://{self.host}/#token={self.token}"
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0
        self.process.stdout.close()

    def ask(self, method, path, body=None, headers=None):
        """(status, headers, body) of one request."""
        connection = http.client.HTTPConnection(self.host, timeout=120)
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers, content

    def status(self):
        return json.loads(self.ask("GET", "/gateway/status")[2])

    def statuses(self):
        """What the gateway says of the server, now and with every change."""
        connection = http.client.HTTPConnection(self.host, timeout=120)
        connection.request("GET", "/gateway/events", headers={"Authorization": f"Bearer {self.token}"})
        try:
            for line in iter(connection.getresponse().readline, b""):
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])
        finally:
            connection.close()

    def states(self):
        return (status["state"] for status in self.statuses())

    def await_state(self, wanted):
        assert wanted in self.states()

    def await_change(self, wanted):
        assert any(status["change"] == wanted for status in self.statuses())

    def most_memory_kb(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1])
