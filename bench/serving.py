"""How the server shares the machine: ./run bench --only serving.

Real requests by the Python SDK to a real server: the demo model on five seconds of sound, unless a line says
otherwise. The clients compute on the same cores. In an open loop requests come at random (Poisson) whether or not
earlier ones were answered, and their latency counts from the moment when they were due, so nothing is omitted while
the server is behind.
"""

import concurrent.futures
import contextlib
import dataclasses
import itertools
import multiprocessing
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import blindai
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from report import print_table  # noqa: E402
from simulated_server import PROGRAM, SimulatedServer  # noqa: E402

WAV2VEC2 = ROOT / "build/bench/wav2vec2-base.onnx"
DEMO = ROOT / "models/blindai-demo-en/blindai-demo-en.onnx"
CLIENTS = 4         # of a closed loop that keeps the server busy
SHORT_S, LONG_S = 5, 30  # of sound
AT_ONCE = 96        # requests of one open loop that may be under way
RARE_PER_S = 8      # requests of one who sends few
SECONDS = 6         # of each measurement
TURNS, TURN_S = 8, 5  # of one who is measured alone and beside others
QUEUE_MS = 500      # limits.queue_ms: under overload what would wait longer is refused
BARE_ROUNDS, BARE_S = 4, 4  # of bare OpenVINO and of the server, taking turns


def sound(seconds):
    return np.random.default_rng(0).standard_normal((1, round(16000 * seconds))).astype(np.float32)


@dataclasses.dataclass
class Outcome:
    """What became of the requests of one loop."""

    seconds: float  # in which they were due
    latencies: list = dataclasses.field(default_factory=list)  # of those that were answered
    refused: int = 0

    def add(self, other):
        self.seconds += other.seconds
        self.latencies += other.latencies
        self.refused += other.refused

    @property
    def offered(self):
        return (len(self.latencies) + self.refused) / self.seconds

    @property
    def achieved(self):
        return len(self.latencies) / self.seconds

    def ms(self, percent):
        return 1000 * np.percentile(self.latencies, percent) if self.latencies else float("nan")

    def row(self, name):
        return [name, f"{self.offered:.0f}", f"{self.achieved:.0f}",
                " / ".join(f"{self.ms(percent):.0f}" for percent in (50, 90, 99)), str(len(self.latencies))]


HEAD = ["", "offered, 1/s", "answered, 1/s", "p50 / p90 / p99, ms", "answers"]


def send(call, due, outcome, lock):
    try:
        call()
    except blindai.QuotaError:
        with lock:
            outcome.refused += 1
        return
    latency = time.perf_counter() - due
    with lock:
        outcome.latencies.append(latency)


def closed_loop(call, clients, seconds, stop=None):
    """Each client sends its next request when the last one was answered."""
    outcome, lock, begin = Outcome(seconds), threading.Lock(), time.perf_counter()

    def client():
        while time.perf_counter() < begin + seconds and not (stop and stop.is_set()):
            send(call, time.perf_counter(), outcome, lock)

    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        for done in [pool.submit(client) for _ in range(clients)]:
            done.result()
    outcome.seconds = time.perf_counter() - begin
    return outcome


def open_loop(call, rate, seconds, seed=1, stop=None):
    """Requests at `rate` a second on average, at random."""
    due = np.cumsum(np.random.default_rng(seed).exponential(1 / rate, round(2 * rate * seconds) + 10))
    due = due[due < seconds]
    outcome, lock = Outcome(seconds), threading.Lock()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        begin, sent = time.perf_counter(), []
        for after in due:
            time.sleep(max(0, begin + after - time.perf_counter()))
            if stop and stop.is_set():
                outcome.seconds = time.perf_counter() - begin
                break
            sent.append(pool.submit(send, call, begin + after, outcome, lock))
        for one in sent:
            one.result()
    return outcome


def take_turns(measured, loop, *load):
    """(alone, beside, load): what `measured(seconds, seed)` meets without and with `loop(*load, stop=…)`, turn by turn.
    The load comes from a process of its own, which gets what the others leave of the cores: its requests are to delay
    the measured ones at the server, not its making of them."""
    alone, shared, others = Outcome(0), Outcome(0), Outcome(0)
    spawn = multiprocessing.get_context("spawn")
    with spawn.Manager() as manager, spawn.Pool(1, os.nice, (15,)) as pool:
        for turn in range(TURNS):
            alone.add(measured(TURN_S, turn))
            stop = manager.Event()
            running = pool.apply_async(loop, load, {"stop": stop})
            time.sleep(1)
            shared.add(measured(TURN_S, turn))
            stop.set()
            others.add(running.get())
    return alone, shared, others


@dataclasses.dataclass
class Call:
    """One run of a model on so much sound. Each process that is handed one has its own connections and sound."""

    address: str
    key: str
    model: str
    seconds: float

    def __post_init__(self):
        self._client = None
        self._lock = threading.Lock()

    def __reduce__(self):
        return Call, dataclasses.astuple(self)

    def __call__(self):
        with self._lock:
            if self._client is None:
                self._client = blindai.connect(addr=self.address, simulation=True, api_key=self.key,
                                               max_connections=AT_ONCE)
                self._samples = sound(self.seconds)
        self._client.predict(self.model, self._samples)


class Tenants:
    """A server whose callers have accounts."""

    def __init__(self, stack, **engine):
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self._database = folder / "keys.db"
        self._keys = {}
        config = folder / "server.toml"
        config.write_text("[engine]\n" + "".join(f"{key} = {value}\n" for key, value in engine.items())
                          + f'[accounts]\ndatabase = "{self._database}"\n[limits]\nqueue_ms = {QUEUE_MS}\n')
        self.key("first")
        log = stack.enter_context(open(ROOT / "build/log/bench-server.log", "a"))
        self._server = stack.enter_context(SimulatedServer("--config", str(config), log=log))

    def key(self, tenant):
        if tenant not in self._keys:
            self._keys[tenant] = subprocess.run(
                [PROGRAM, "keys", "create", "--database", self._database, "--tenant", tenant],
                check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip()
        return self._keys[tenant]

    def caller(self, tenant, seconds, model="demo", file=DEMO):
        """A Call of that tenant's model."""
        name = f"{tenant}-{model}"
        with blindai.connect(addr=self._server.address, simulation=True, api_key=self.key(tenant)) as client:
            client.upload_model(str(file), model_id=name, visibility="private")
        call = Call(self._server.address, self.key(tenant), name, seconds)
        for _ in range(5):  # until the server has learned what it costs
            call()
        return call


# ---- What is measured ----

def loops():
    with contextlib.ExitStack() as stack:
        call = Tenants(stack).caller("first", SHORT_S)
        rows = [closed_loop(call, 1, SECONDS).row("closed loop, 1 client")]
        busy = closed_loop(call, CLIENTS, SECONDS)
        rows.append(busy.row(f"closed loop, {CLIENTS} clients"))
        for share in (0.5, 0.8):
            rows.append(open_loop(call, share * busy.achieved, SECONDS).row(f"open loop at {share} of that"))
        flood = open_loop(call, 2 * busy.achieved, SECONDS)
        rows.append(flood.row("open loop at twice that"))
    print_table(HEAD, rows)
    print(f"- Goodput at twice the capacity: {flood.achieved / busy.achieved:.2f} of it (wanted: 0.9)\n", flush=True)


def long_beside_short():
    with contextlib.ExitStack() as stack:
        tenants = Tenants(stack)
        short, long = tenants.caller("clinic", SHORT_S), tenants.caller("radio", LONG_S)
        alone, shared, others = take_turns(lambda seconds, seed: open_loop(short, RARE_PER_S, seconds, seed),
                                           closed_loop, long, 1, 10 * TURN_S)
        rows = [alone.row("short requests alone"), shared.row(f"beside another tenant's of {LONG_S} s of sound"),
                others.row("the long ones")]
    print_table(HEAD, rows)
    print(f"- Short beside long: p99 {shared.ms(99) / alone.ms(99):.1f} times that alone\n", flush=True)


def quiet_beside_flood():
    with contextlib.ExitStack() as stack:
        tenants = Tenants(stack)
        quiet, flooding = tenants.caller("quiet", SHORT_S), tenants.caller("flood", SHORT_S)
        capacity = closed_loop(flooding, CLIENTS, SECONDS / 2).achieved
        alone, shared, others = take_turns(
            lambda seconds, seed: open_loop(quiet, RARE_PER_S, seconds, seed),
            open_loop, flooding, 2 * capacity, 10 * TURN_S)
        rows = [alone.row("a quiet tenant alone"), shared.row("beside one that sends twice what the server can"),
                others.row("that one")]
    print_table(HEAD, rows)
    print(f"- A quiet tenant beside a flood: p99 {shared.ms(99) / alone.ms(99):.1f} times that alone (wanted: 2)\n",
          flush=True)


class Bare:
    """OpenVINO without a server, in a process of its own."""

    compiled = None

    @classmethod
    def compile(cls, file, streams, threads):
        import openvino
        cls.compiled = openvino.Core().compile_model(str(file), "CPU", {
            "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": streams,
            "ENABLE_CPU_PINNING": False})
        cls.measure(streams, 1)

    @classmethod
    def measure(cls, streams, seconds):
        local, samples = threading.local(), sound(SHORT_S)

        def call():
            if not hasattr(local, "request"):
                local.request = cls.compiled.create_infer_request()
            local.request.infer({0: samples}, share_inputs=True)

        return closed_loop(call, streams, seconds).achieved


def against_bare():
    """A model with two threads, two with one each, and OpenVINO with as many streams: each kept busy."""
    rows = []
    for (name, file), (streams, threads) in itertools.product(
            (("demo model", DEMO), ("wav2vec2-base", WAV2VEC2)), ((1, 2), (2, 1))):
        with contextlib.ExitStack() as stack:
            tenants = Tenants(stack, threads=threads)
            calls = [tenants.caller("first", SHORT_S, f"model-{number}", file) for number in range(streams)]
            bare = stack.enter_context(multiprocessing.get_context("spawn").Pool(
                1, Bare.compile, (file, streams, streams * threads)))
            rates = []
            for _ in range(BARE_ROUNDS):
                with concurrent.futures.ThreadPoolExecutor(streams) as pool:
                    ours = sum(done.achieved for done in pool.map(lambda call: closed_loop(call, 2, BARE_S), calls))
                rates.append((ours, bare.apply(Bare.measure, (streams, BARE_S))))
        ours, theirs = np.median(np.array(rates), axis=0)
        rows.append([f"{name}, {streams} × {threads} threads", f"{theirs:.1f}", f"{ours:.1f}",
                     f"{np.median([a / b for a, b in rates]):.2f}"])
    print_table(["models or streams", "bare OpenVINO, 1/s", "blindai, 1/s", "against bare (wanted: 0.95)"],
                rows)


def serving(_rounds):
    print("### Serving under load\n")
    for part in (loops, long_beside_short, quiet_beside_flood, against_bare):
        part()
