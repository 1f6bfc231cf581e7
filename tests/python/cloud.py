"""A managed cloud on this machine: the real directory and real servers in simulation."""

import json
import re
import select
import signal
import ssl
import subprocess
import time
import urllib.request

from conftest import BIN, SimulatedServer

PATIENCE_S = 120


class Cloud:
    """A directory; ``add_server`` gives it servers. Everything ends with it."""

    def __init__(self, folder):
        self.folder = folder
        self.database = folder / "directory.db"
        self.ca = folder / "directory.pem"
        self.process = None
        self.servers = []

    def __enter__(self):
        # One that gRPC in Python takes as a root too: it wants the issuer to be a CA.
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", self.folder / "directory.key", "-out", self.ca], check=True, capture_output=True)
        config = self.folder / "directory.toml"
        config.write_text(
            'simulation = true\n'
            '[listen]\nhttps = "127.0.0.1:0"\nadmin = "127.0.0.1:0"\nv05 = "127.0.0.1:0"\n'
            f'[tls]\ncertificate_file = "{self.ca}"\nkey_file = "{self.folder}/directory.key"\n'
            f'[database]\nurl = "{self.database}"\n'
            '[servers]\nverify_every_s = 1\nsilent_after_s = 30\n')
        self._log = open(self.folder / "directory.log", "w")
        self.process = subprocess.Popen([BIN / "blindai-directory", "--config", config], stdout=subprocess.PIPE,
                                        stderr=self._log, text=True)
        readable, _, _ = select.select([self.process.stdout], [], [], PATIENCE_S)
        ready = self.process.stdout.readline() if readable else ""
        ports = dict(re.findall(r"(\w+)=\S*?:(\d+)", ready))
        assert "https" in ports, f"the directory did not start: {ready!r} {self._tail()}"
        self.url = f"https://localhost:{ports['https']}"
        self.licensing = f"localhost:{ports.get('v05')}"
        self.admin_key = self.create_key("operator", "admin")
        (self.folder / "server.key").write_text(self.create_key("servers", "server"))
        (self.folder / "server.key").chmod(0o600)
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.__exit__()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        self._log.close()

    def _tail(self):
        return (self.folder / "directory.log").read_text()[-1000:]

    def keys(self, word, *arguments):
        done = subprocess.run([BIN / "blindai-directory", "keys", word, "--database", self.database, *arguments],
                              capture_output=True, text=True, timeout=PATIENCE_S)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def create_key(self, tenant, scopes):
        return re.search(r"bai_\w{8}_[\w-]+", self.keys("create", "--tenant", tenant, "--scopes", scopes))[0]

    def add_server(self, top="", legacy=""):
        """A server that reports here; returns when it is listed."""
        number = len(self.servers)
        config = self.folder / f"server{number}.toml"
        config.write_text(f'{top}\n[directory]\nurl = "{self.url}"\nkey_file = "{self.folder}/server.key"\n'
                          f'ca_file = "{self.ca}"\nreport_every_s = 1\n{legacy}')
        log = open(self.folder / f"server{number}.log", "w")
        server = SimulatedServer("--config", str(config), program=BIN / "blindai-server", log=log)
        server.__enter__()
        log.close()
        self.servers.append(server)
        end = time.monotonic() + PATIENCE_S
        while server.address not in self.listed():
            assert time.monotonic() < end, f"{server.address} is not listed: {self._tail()}"
            time.sleep(0.05)  # tidy: allow sleep: the directory tells nobody when it lists a server
        return server

    def listed(self):
        request = urllib.request.Request(self.url + "/v1/servers",
                                         headers={"Authorization": f"Bearer {self.admin_key}"})
        tls = ssl.create_default_context(cafile=self.ca)
        with urllib.request.urlopen(request, context=tls, timeout=PATIENCE_S) as answer:
            body = json.load(answer)
        servers = body.get("data", body.get("servers", []))
        return [server["address"] for server in servers if server["state"] == "listed"]

    def kill(self, address):
        """A server dies at once, as in a power cut."""
        [server] = [server for server in self.servers if server.address == address]
        server.process.kill()
        server.process.wait()

    def use(self, monkeypatch, **more):
        """What a user of this cloud has in the environment."""
        for name, value in {"BLINDAI_DIRECTORY": self.url, "BLINDAI_DIRECTORY_CA": str(self.ca),
                            "BLINDAI_SIMULATION": "1", **more}.items():
            monkeypatch.setenv(name, value)
