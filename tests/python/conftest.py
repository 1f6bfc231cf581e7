"""What the Python tests share: a real server in simulation, a client, small models."""

import pathlib
import sys

import pytest

import blindai
import onnx_models

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from simulated_server import BIN, SimulatedServer, children  # noqa: E402, F401


def start_server(log, **options):
    return SimulatedServer(log=log, **options)


@pytest.fixture(scope="session")
def server_log(tmp_path_factory):
    """The log of the shared server, as a path."""
    return tmp_path_factory.mktemp("server") / "log"


@pytest.fixture(scope="session")
def server(server_log):
    """One server in simulation for all tests; a test that disturbs it starts its own."""
    with open(server_log, "w") as log, start_server(log) as running:
        yield running


@pytest.fixture
def own_server(tmp_path):
    """A server for one test."""
    with open(tmp_path / "log", "w") as log, start_server(log) as running:
        yield running


@pytest.fixture
def client(server):
    with blindai.connect(server.address, simulation=True) as connected:
        yield connected


@pytest.fixture
def upload(client):
    """Uploads a model under a name of its own; deleted at the end."""
    names = []

    def upload_model(model, **options):
        uploaded = client.upload_model(model, **options)
        names.append(uploaded.id)
        return uploaded.id

    yield upload_model
    for name in names:
        client.delete_model(name)


@pytest.fixture
def adder(upload):
    return upload(onnx_models.adder())


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch, tmp_path_factory):
    """Neither the environment nor the home of whoever runs the tests decides what they do."""
    for name in ("BLINDAI_ADDR", "BLINDAI_API_KEY", "BLINDAI_POLICY", "BLINDAI_SIMULATION",
                 "BLINDAI_DIRECTORY", "BLINDAI_DIRECTORY_CA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("settings")))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


DEMO = ROOT / "models/blindai-demo-en"


@pytest.fixture(scope="session")
def speech(server):
    """The demo model on the shared server, by its name."""
    with blindai.connect(server.address, simulation=True) as connected:
        connected.upload_model(DEMO / "blindai-demo-en.onnx", model_id="speech", kind="ctc-speech", visibility="public")
        yield "speech"
        connected.delete_model("speech")


WHISPER = ROOT / "build/models/whisper-tiny-en"
needs_whisper = pytest.mark.skipif(not (WHISPER / "encoder_model.onnx").exists(),
                                   reason="no Whisper model; `./run model whisper-tiny-en` makes it")


@pytest.fixture(scope="module")
def whisper(server):
    """The real Whisper on the shared server, by its name."""
    with blindai.connect(server.address, simulation=True) as connected:
        connected.upload_model(WHISPER, model_id="whisper", kind="whisper", visibility="public")
        yield "whisper"
        connected.delete_model("whisper")
