"""Looks for what somebody sent through the memory of a server and of its children; needs a user who may read it."""

import base64
import contextlib
import json
import os
import re
import signal
import socket
import struct
import threading
import time

import numpy as np
import pytest

import raw_http
from conftest import children

CHUNK = 1 << 22


class Wave:
    """A stretch of sound in whatever scale it stands in memory: as the model gets it, its mean and loudness are other
    ones. 48 floats whose slopes have the proportions of `sound` from its steepest place on."""

    LENGTH, STEPS = 48, (2, 5, 9, 14, 22, 31, 46)

    def __init__(self, sound):
        sound = np.asarray(sound, np.float64)
        start = int(np.argmax(np.abs(np.diff(sound[:-self.LENGTH]))))
        self._stretch = sound[start:start + self.LENGTH]

    def stands_in(self, memory):
        floats = np.frombuffer(memory, "<f4", len(memory) // 4)
        if len(floats) < self.LENGTH:
            return False
        with np.errstate(all="ignore"):  # most of memory holds no numbers
            slopes, wanted = np.diff(floats), np.diff(self._stretch)
            last = len(slopes) - max(self.STEPS)
            near = 0.06 * np.abs(slopes[:last])
            at = np.flatnonzero(np.abs(slopes[1:last + 1] - wanted[1] / wanted[0] * slopes[:last]) < near)
            for step in self.STEPS:
                here = slopes[at]
                at = at[np.abs(slopes[at + step] - wanted[step] / wanted[0] * here) < 0.06 * np.abs(here)]
            at = at[at <= len(floats) - self.LENGTH]
            return any(np.corrcoef(floats[one:one + self.LENGTH], self._stretch)[0, 1] > 0.99 for one in at)


def stands_in(marker, memory):
    return marker.stands_in(memory) if isinstance(marker, Wave) else marker in memory


def memory_of(pid):
    """The readable memory of a process, in pieces that overlap by the length of a marker."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            begin, end, rights, name = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)", line).groups()
            if rights[1] != "w" and name.startswith("/") and not name.startswith("/memfd:"):
                continue  # of a program or a library
            at, end = int(begin, 16), int(end, 16)
            while rights[0] == "r" and at < end:
                try:
                    memory.seek(at)
                    piece = memory.read(min(CHUNK, end - at))
                except (OSError, OverflowError):
                    break  # pages of the kernel, and what was unmapped meanwhile
                if not piece:
                    break
                if piece.count(0) < len(piece):  # most of it was never touched
                    yield piece
                at += len(piece) if at + len(piece) == end or len(piece) <= 256 else len(piece) - 256


def found(server, markers):
    """(process, marker) of everything that still stands in the memory of the server and of its children."""
    seen = set()
    for pid in [server.process.pid, *children(server.process.pid)]:
        front = pid == server.process.pid
        # Workers get samples and nothing else, and are large.
        wanted = {name: marker for name, marker in markers.items()
                  if front or name.startswith(("bytes", "floats", "wave"))}
        try:
            for piece in memory_of(pid):
                seen.update((front, name) for name, marker in wanted.items() if stands_in(marker, piece))
        except (FileNotFoundError, ProcessLookupError):
            pass  # a decoder that ended
    return seen


def expect_nothing(server, markers):
    """Waits for the request's end, and then for its memory: what is forgotten to be wiped stays for ever."""
    end = time.monotonic() + 20
    while True:
        left = found(server, markers)
        if not left:
            return
        assert time.monotonic() < end, f"still in memory (front process, what): {sorted(left)}"
        time.sleep(0.2)  # tidy: allow sleep: the end of another process' request is told to nobody


def skip_if_unreadable(server):
    try:
        os.close(os.open(f"/proc/{server.process.pid}/mem", os.O_RDONLY))
    except PermissionError:
        pytest.skip("SKIPPED: only root may read the memory of a process that hides it")


@contextlib.contextmanager
def standing_still(pids):
    """These processes do not go on meanwhile; one that has ended, such as a decoder, is left out."""
    def send(which):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, which)

    try:
        send(signal.SIGSTOP)
        yield
    finally:
        send(signal.SIGCONT)


@contextlib.contextmanager
def again_and_again(work):
    """Meanwhile another thread does this, one time after the other."""
    stop = threading.Event()

    def go_on():
        while not stop.is_set():
            work()

    running = threading.Thread(target=go_on)
    running.start()
    try:
        yield
    finally:
        stop.set()
        running.join()


def said_by_hand(server, messages):
    """A WebSocket that is made by hand, so that it can be torn off; it has sent these messages."""
    connection = raw_http.open_socket(server)
    connection.sendall(b"GET /v1/realtime?intent=transcription HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
                       b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                       b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    for message in messages:
        # A text frame with a mask of zeros (RFC 6455 section 5.2).
        connection.sendall(b"\x81\xfe" + struct.pack(">H", len(message)) + bytes(4) + message)
    return connection


def tear_off(server, audio_input, pieces, last):
    """A live connection that breaks without a goodbye of any layer once it has told some text, in the middle of an
    utterance and of the message with the sound `last`. The texts."""
    def appended(piece):
        return b"{\"type\":\"input_audio_buffer.append\",\"audio\":\"" + base64.b64encode(piece) + b"\"}"

    update = {"type": "session.update", "session": {
        "type": "transcription", "include": ["item.input_audio_transcription.partials"], "audio": {"input": {
            "format": {"type": "audio/pcm", "rate": 16000}, **audio_input}}}}
    connection = said_by_hand(server, [json.dumps(update).encode(), *map(appended, pieces)])
    said, texts = b"", []
    while not texts:
        more = connection.recv(1 << 16)
        assert more, said
        said += more
        texts = [text for text in re.findall(rb"\"transcript\":\"([^\"]*)\"", said) if len(text) >= 12]
    connection.sendall(b"\x81\xfe" + struct.pack(">H", 60_000) + bytes(4) + appended(last)[:5000])
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    return texts
