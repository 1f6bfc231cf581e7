"""OpenVINO without a server, in a process of its own, since a model can crash it."""

import multiprocessing
import pathlib
import re
import sys

from conftest import ROOT


def wheel():
    """The folder of the wheel that the build took the engine from; None: not built here."""
    cache = ROOT / "build/release/CMakeCache.txt"
    found = cache.exists() and re.search(r"^BLINDAI_OPENVINO_DIR:\w+=(\S+)/openvino$", cache.read_text(), re.M)
    return pathlib.Path(found[1]) if found else None


def _serve(connection, folder):
    sys.path.insert(0, str(folder))
    import openvino

    core = openvino.Core()
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}  # as the worker has it
    connection.send(openvino.get_version())
    while True:
        model, inputs, outputs = connection.recv()
        try:
            answer = core.compile_model(core.read_model(model), "CPU", options)(inputs)
            connection.send({name: answer[name] for name in outputs})
        except Exception as error:  # the engine's own, of many kinds
            connection.send(str(error))


class BareEngine:
    def __init__(self, folder):
        self._folder = folder
        self.version = None

    def __enter__(self):
        self._connection, other = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(
            target=_serve, args=(other, self._folder), daemon=True)
        self._process.start()
        other.close()
        self.version = self._connection.recv()  # EOFError: it does not start
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.join()
        self._connection.close()

    def run(self, model, inputs, outputs):
        """Arrays by name, the text of an error, or None when the model crashed the engine."""
        try:
            self._connection.send((model, inputs, outputs))
            return self._connection.recv()
        except (EOFError, ConnectionError):
            self.__exit__()
            self.__enter__()
            return None
