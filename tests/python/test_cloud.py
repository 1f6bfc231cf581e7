"""The managed cloud: an API key is enough, and a server may die."""

import asyncio
import os
import re
import shutil
import stat
import subprocess
import threading
import time
import urllib.request

import numpy as np
import pytest
import tritonclient.grpc

import blindai
import onnx_models
import published_clients
from cloud import PATIENCE_S, Cloud
from conftest import BIN
from local_gateway import Gateway
from published_clients import clients, drive, tiny_model  # noqa: F401

X = np.array([1, 2, 3], dtype="float32")

pytestmark = pytest.mark.skipif(not (BIN / "blindai-directory").exists(), reason="blindai-directory is not built")

# The two blocks of the published tutorial.
UPLOAD = '''
with blindai.connect(api_key=api_key) as client:
    client.upload_model("wav2vec2_hello_world.onnx", model_id=model_id)
    addr = client.addr
'''
PREDICT = '''
with blindai.connect(api_key=api_key) as client:
    response = client.predict(model_id, input_values)
'''


@pytest.fixture
def cloud(tmp_path):
    with Cloud(tmp_path) as running:
        yield running


@pytest.fixture
def two(cloud, monkeypatch):
    """A cloud with two servers, and an API key for it."""
    cloud.add_server()
    cloud.add_server()
    cloud.use(monkeypatch)
    cloud.api_key = cloud.create_key("clinic", "upload,run")
    return cloud


def other(cloud, addr):
    [one] = [server.address for server in cloud.servers if server.address != addr]
    return one


def test_the_tutorials_two_blocks_run_literally_and_a_server_dies_in_between(two, tmp_path, monkeypatch):
    (tmp_path / "wav2vec2_hello_world.onnx").write_bytes(onnx_models.same(onnx_models.FLOAT))
    monkeypatch.chdir(tmp_path)
    names = {"blindai": blindai, "api_key": two.api_key, "model_id": "wav2vec2-tutorial", "input_values": X}
    exec(UPLOAD, names)
    two.kill(other(two, names["addr"]))
    exec(PREDICT, names)
    assert names["response"].output[0].as_flat() == [1, 2, 3]


def test_a_client_goes_on_with_another_server_when_its_own_dies(two):
    with blindai.connect(api_key=two.api_key) as client:
        first = client.addr
        client.upload_model(onnx_models.adder(), model_id="m")
        assert client.predict("m", (X, X)).output[0].as_flat() == [2, 4, 6]
        two.kill(first)
        assert client.models() == []  # asked at the other one, which was verified first
        assert client.addr == other(two, first)
        assert client.verdict.outcome == "simulation"
        with pytest.raises(blindai.ModelError, match="model-not-found|no model"):
            client.predict("m", (X, X))  # it had the only copy
        client.upload_model(onnx_models.adder(), model_id="m")
        assert client.predict("m", (X, X)).output[0].as_flat() == [2, 4, 6]


def slow_model():
    """y = max of (x·xᵀ)² for x [n, 1]: n for ones, after 2·n³ operations."""
    nodes = [onnx_models.node("Transpose", ["x"], ["t"]), onnx_models.node("MatMul", ["x", "t"], ["a"]),
             onnx_models.node("MatMul", ["a", "a"], ["b"]), onnx_models.node("ReduceMax", ["b"], ["y"])]
    return onnx_models.model(nodes, [("x", onnx_models.FLOAT, ("n", 1))], [("y", onnx_models.FLOAT, (1, 1))])


def wait_until_it_runs(server):
    end = time.monotonic() + PATIENCE_S
    while True:
        with urllib.request.urlopen(f"http://{server.admin}/metrics", timeout=PATIENCE_S) as answer:
            if re.search(r"^blindai_runs_running [1-9]", answer.read().decode(), re.M):
                return
        assert time.monotonic() < end
        time.sleep(0.05)  # tidy: allow sleep: a server tells nobody when a run begins


def test_a_run_whose_server_dies_in_the_middle_is_answered_by_another_after_its_verification(two):
    everywhere = {}
    while len(everywhere) < 2:  # clients are placed at either server
        with blindai.connect(api_key=two.api_key) as client:
            if client.addr not in everywhere:
                everywhere[client.addr] = client.upload_model(slow_model(), model_id="slow")
    n = 6000
    with blindai.connect(api_key=two.api_key) as client:
        first = client.addr
        answers = []
        run = threading.Thread(target=lambda: answers.append(client.predict("slow", np.ones((n, 1), "float32"))))
        run.start()
        wait_until_it_runs(next(server for server in two.servers if server.address == first))
        two.kill(first)
        run.join()
        assert answers[0].output[0].as_flat() == [n]
        assert client.addr == other(two, first)
        assert client.verdict.outcome == "simulation"


def test_the_awaitable_client_does_the_same(two):
    async def work():
        async with blindai.AsyncClient(api_key=two.api_key) as client:
            first = client.addr
            two.kill(first)
            assert await client.models() == []
            await client.upload_model(onnx_models.adder(), model_id="m")
            assert (await client.predict("m", (X, X))).output[0].as_flat() == [2, 4, 6]
            assert client.addr == other(two, first)

    asyncio.run(work())


def test_a_model_is_found_wherever_it_is(two):
    with blindai.connect(api_key=two.api_key) as client:
        client.upload_model(onnx_models.adder(), model_id="m")
    # Each of these is placed at either server.
    for _ in range(6):
        with blindai.connect(api_key=two.api_key) as client:
            assert client.predict("m", (X, X)).output[0].as_flat() == [2, 4, 6]


def test_tenants_of_one_cloud_do_not_see_each_other(two):
    with blindai.connect(api_key=two.api_key) as client:
        client.upload_model(onnx_models.adder(), model_id="m", visibility="private")
    with blindai.connect(api_key=two.create_key("practice", "run")) as stranger:
        assert stranger.models() == []
        with pytest.raises(blindai.ModelError):
            stranger.predict("m", {"a": X, "b": X})
        with pytest.raises(blindai.AccessError):
            stranger.upload_model(onnx_models.adder(), model_id="n")


def test_a_key_that_is_revoked_unknown_or_missing_gets_no_session(two):
    two.keys("revoke", two.api_key[4:12])
    for key in (two.api_key, "bai_12345678_unknown", None):
        with pytest.raises(blindai.AccessError):
            blindai.connect(api_key=key)


def test_a_server_does_not_take_a_key_instead_of_a_session(two):
    with blindai.connect(two.servers[0].address, api_key=two.api_key) as client:
        with pytest.raises(blindai.AccessError):
            client.models()


def test_every_server_of_the_list_is_judged_by_the_callers_own_policy(two, monkeypatch):
    monkeypatch.delenv("BLINDAI_SIMULATION")
    with pytest.raises(blindai.AttestationError) as refused:
        blindai.connect(api_key=two.api_key)
    assert refused.value.verdict.has("simulation")


# ---- login ----


def blindai_command(*arguments, key="", environment=None):
    return subprocess.run([BIN / "blindai", *arguments], input=key, capture_output=True, text=True, env=environment,
                          timeout=PATIENCE_S)


@pytest.fixture
def without_keyring(monkeypatch):
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)


def test_login_keeps_the_key_for_later_and_logout_forgets_it(two, monkeypatch, without_keyring):
    monkeypatch.delenv("BLINDAI_DIRECTORY")
    monkeypatch.delenv("BLINDAI_DIRECTORY_CA")
    where = ("--directory", two.url, "--directory-ca", str(two.ca))
    refused = blindai_command("login", *where, key="bai_12345678_wrong\n")
    assert refused.returncode == 1 and "[bad-credentials]" in refused.stderr
    done = blindai_command("login", *where, key=two.api_key + "\n")
    assert done.returncode == 0, done.stderr
    assert "in the configuration file, which only you can read" in done.stdout
    assert two.api_key not in done.stdout + done.stderr
    settings = os.path.join(os.environ["XDG_CONFIG_HOME"], "blindai/config.toml")
    assert stat.S_IMODE(os.stat(settings).st_mode) == 0o600
    with blindai.connect() as client:
        assert client.models() == []
    assert blindai_command("models", "list", "--json").returncode == 0
    assert blindai_command("logout").returncode == 0
    assert two.api_key not in open(settings).read()
    with pytest.raises(blindai.AccessError):
        blindai.connect()
    assert "no API key was stored" in blindai_command("logout").stdout


def test_login_without_a_key_or_a_place_says_so(two, without_keyring):
    assert blindai_command("login", key="").returncode == 2
    environment = {name: value for name, value in os.environ.items() if name != "BLINDAI_DIRECTORY"}
    nowhere = blindai_command("login", key="bai_1\n", environment=environment)
    assert nowhere.returncode == 2 and "--directory" in nowhere.stderr


def test_login_for_another_place_keeps_nothing_of_the_first(without_keyring, tmp_path):
    policy = tmp_path / "policy.toml"
    settings = os.path.join(os.environ["XDG_CONFIG_HOME"], "blindai/config.toml")
    assert blindai_command("login", "--addr", "one.example", "--policy", str(policy), key="bai_1\n").returncode == 0
    assert blindai_command("login", key="bai_2\n").returncode == 0
    text = open(settings).read()
    assert str(policy) in text and "bai_2" in text and "bai_1" not in text
    assert blindai_command("login", "--addr", "two.example", key="bai_3\n").returncode == 0
    text = open(settings).read()
    assert "two.example" in text and "one.example" not in text and str(policy) not in text
    both = blindai_command("login", "--addr", "a.example", "--directory", "https://b.example", key="bai_4\n")
    assert both.returncode == 2 and open(settings).read() == text


KEYRING = """
set -e
mkdir -p "$XDG_RUNTIME_DIR" "$XDG_DATA_HOME"
eval "$(echo -n password | gnome-keyring-daemon --unlock --components=secrets)"
printf '%s\\n' "$KEY" | "$BLINDAI" login --directory "$BLINDAI_DIRECTORY" --directory-ca "$BLINDAI_DIRECTORY_CA"
unset BLINDAI_DIRECTORY BLINDAI_DIRECTORY_CA
cat "$XDG_CONFIG_HOME/blindai/config.toml"
"$BLINDAI" models list --json
"$BLINDAI" logout
! secret-tool lookup service blindai place "$PLACE"
"""


def test_login_uses_the_systems_keyring_where_one_is_running(two, tmp_path):
    for program in ("dbus-run-session", "gnome-keyring-daemon", "secret-tool"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed: the keyring is not tested")
    environment = {**os.environ, "KEY": two.api_key, "BLINDAI": str(BIN / "blindai"), "PLACE": two.url,
                   "XDG_RUNTIME_DIR": str(tmp_path / "run"), "XDG_DATA_HOME": str(tmp_path / "share")}
    done = subprocess.run(["dbus-run-session", "--", "bash", "-c", KEYRING], capture_output=True, text=True,
                          env=environment, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "in the system's keyring" in done.stdout and 'api_key_in = "keyring"' in done.stdout.replace("'", '"')
    assert two.api_key not in done.stdout


# ---- BlindAI 0.5 ----


def test_the_article_runs_word_for_word_through_the_directory(clients, tiny_model, cloud, tmp_path):
    ports = '[legacy]\nv05_untrusted = "127.0.0.1:0"\nv05_attested = "127.0.0.1:0"\n[accounts]\nanonymous = true\n'
    cloud.add_server(top='compat = ["0.5"]', legacy=ports)
    # The program as it is, with a key of this cloud where its own stands.
    program = tmp_path / "client_article.py"
    text = (published_clients.PROGRAMS / "client_article.py").read_text()
    assert 'api_key = "article-user"' in text
    text = text.replace('api_key = "article-user"', f'api_key = "{cloud.create_key("clinic", "upload,run")}"')
    program.write_text(f"import sys; sys.path.insert(0, {str(published_clients.PROGRAMS)!r})\n{text}")
    found = drive("python05", program, cloud.licensing, cloud.ca, tiny_model)
    assert found["ok"], found["failed"]


def test_a_gateway_goes_to_a_server_of_the_cloud_and_to_another_when_that_dies(two, tmp_path):
    key = tmp_path / "key"
    key.write_text(two.api_key)
    with Gateway(None, "--directory", two.url, "--directory-ca", two.ca, "--simulation",
                 "--api-key-file", key) as gateway:
        assert gateway.ask("GET", "/v1/models")[0] == 200
        first = gateway.status()["server"]
        assert first in [server.address for server in two.servers]
        two.kill(first)
        gateway.await_change("key")
        assert gateway.status()["server"] == other(two, first)
        assert gateway.ask("GET", "/v1/models")[0] == 200
        client = tritonclient.grpc.InferenceServerClient(gateway.grpc)
        client.load_model("sum", config='{"backend": "onnxruntime"}', files={"file:1/model.onnx": onnx_models.adder()})
        client.close()
        assert "sum" in gateway.ask("GET", "/v1/models")[2].decode()


def test_a_gateway_of_a_key_that_is_revoked_forwards_nothing(two, tmp_path):
    two.keys("revoke", two.api_key[4:12])
    key = tmp_path / "key"
    key.write_text(two.api_key)
    with Gateway(None, "--directory", two.url, "--directory-ca", two.ca, "--simulation",
                 "--api-key-file", key) as gateway:
        gateway.await_state("unreachable")
        assert gateway.ask("GET", "/v1/models")[0] == 503
        assert gateway.status()["error"]["code"] == "bad-credentials"
