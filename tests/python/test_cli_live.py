"""`blindai live`, as people and programs use it, against a real server with the demo model."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios

import pytest

import blindai
from conftest import BIN, DEMO, start_server

HELLO = (DEMO / "hello_world.wav").read_bytes()[44:]
SECOND = bytes(32000)
# The first word and a part of the second: nothing ends the utterance but the end of the sound.
SAYING = f"tail -c +45 '{DEMO}/hello_world.wav' | head -c 25600; exec sleep 1000"
PERMITTED = "blindai: simulation permitted: such a server can read everything it is sent; never send real data\n"


def words(server, *more):
    model = [] if "--model" in more else ["--model", "speech"]
    return [str(BIN / "blindai"), "live", "--addr", server.address, "--simulation", *model, *more]


def live(server, *more, sound=HELLO):
    return subprocess.run(words(server, *more), input=sound, capture_output=True, timeout=120)


def start(server, *more, **places):
    # Whoever runs the tests in the background has the interrupt ignored, and a child would inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(words(server, *more), **places)
    finally:
        signal.signal(signal.SIGINT, before)


def test_each_utterance_is_a_line_and_nothing_else_is_on_stdout(server, speech):
    done = live(server, sound=HELLO + SECOND + HELLO + SECOND)
    assert (done.returncode, done.stderr.decode()) == (0, PERMITTED)
    lines = done.stdout.decode().splitlines()
    assert len(lines) == 2 and all("HELLO" in line for line in lines)


def test_programs_read_one_event_a_line(server, client, speech):
    done = live(server, "--format", "jsonl", sound=HELLO + SECOND)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events if event["event"] != "partial"] == ["started", "stopped", "final"]
    assert len({event["utterance"] for event in events}) == 1
    final = events[-1]
    wanted = [event for event in client.transcribe_live([HELLO + SECOND], speech) if event.final][0]
    assert final["text"] == wanted.text == " ".join(word["word"] for word in final["words"])
    assert final["start"] < final["end"] and final["latency_ms"] > 0


def test_json_is_one_value_at_the_end(server, speech):
    done = live(server, "--json", sound=HELLO + SECOND + HELLO)
    assert done.stdout.count(b"\n") == 1
    assert len(json.loads(done.stdout)["utterances"]) == 2


def test_other_sound_than_16_khz_is_named(server, speech):
    import numpy as np
    slower = np.frombuffer(HELLO, np.int16).repeat(2).tobytes()
    assert b"HELLO" in live(server, "--rate", "32000", sound=slower).stdout
    assert live(server, "--encoding", "mulaw", sound=b"\xff" * 8000).stdout == b""


def test_a_command_is_heard_to_its_end_and_its_failure_told(server, speech):
    command = f"tail -c +45 '{DEMO}/hello_world.wav'"
    done = live(server, "--command", command)
    assert (done.returncode, done.stdout) == (0, b"HELLO WORLD\n")
    done = live(server, "--command", command + "; exit 5")
    assert (done.returncode, done.stdout) == (2, b"HELLO WORLD\n")
    assert done.stderr.decode() == PERMITTED + (
        "blindai: the command failed with exit code 5; run it by itself to see why [argument]\n")


def until_partial(read):
    """What was read up to something heard."""
    text = ""
    while "HEL" not in text:
        more = read()
        assert more, text
        text += more
    return text


def test_ctrl_c_ends_the_sound_and_the_last_utterance_still_becomes_text(server, speech, tmp_path):
    with start(server, "--format", "jsonl", "--command", f"echo $$ >'{tmp_path}/pid'; {SAYING}",
               stdout=subprocess.PIPE, text=True) as one:
        until_partial(one.stdout.readline)
        one.send_signal(signal.SIGINT)
        last = one.stdout.read().splitlines()[-1]
        assert one.wait(60) == 0
    final = json.loads(last)
    assert final["event"] == "final" and "HELLO" in final["text"]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_second_ctrl_c_ends_at_once(tmp_path):
    with open(tmp_path / "log", "w") as log, start_server(log) as server:
        with blindai.connect(server.address, simulation=True) as client:
            client.upload_model(DEMO / "blindai-demo-en.onnx", model_id="speech", kind="ctc-speech")
        with start(server, "--format", "jsonl", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as one:
            one.stdin.write(HELLO[:25600])
            one.stdin.flush()
            until_partial(lambda: one.stdout.readline().decode())
            os.kill(server.process.pid, signal.SIGSTOP)  # the last text will not come
            try:
                while one.poll() is None:
                    one.send_signal(signal.SIGINT)
                    try:
                        one.wait(0.2)
                    except subprocess.TimeoutExpired:
                        pass
            finally:
                os.kill(server.process.pid, signal.SIGCONT)
            assert one.returncode == -signal.SIGINT


@pytest.fixture
def terminal():
    """Both ends of a terminal of 16 columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 16, 0, 0))
    yield ours, theirs
    os.close(ours)


def read_all(ours):
    text = b""
    while True:
        try:
            more = os.read(ours, 4096)
        except OSError:  # the other end is closed
            return text.decode()
        text += more


def test_on_a_terminal_a_line_is_rewritten_until_it_is_final(server, speech, terminal):
    ours, theirs = terminal
    one = start(server, "--command", SAYING, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    text = until_partial(lambda: os.read(ours, 4096).decode())
    one.send_signal(signal.SIGINT)
    text += read_all(ours)
    assert one.wait(60) == 0
    assert "listening; Ctrl-C ends it\r\n" in text
    shown = re.findall("\r\x1b\\[K(… [^\r\n]*)", text)
    assert shown and all(len(line) < 16 for line in shown)
    assert re.search("\r\x1b\\[KHELLO[A-Z ]*\r\n$", text)


def test_a_terminal_gives_no_sound(server, terminal):
    ours, theirs = terminal
    done = subprocess.run(words(server), stdin=theirs, capture_output=True, text=True, timeout=120)
    os.close(theirs)
    assert done.returncode == 2
    assert done.stderr == ("blindai: sound is wanted on standard input, which is a terminal; pipe it in, or name a "
                           "--command [argument]\n")


@pytest.mark.parametrize("more, code, says", [
    (["--format", "srt"], 2, "neither text nor jsonl [argument]"),
    (["--format", "jsonl", "--json"], 2, "leave one of them out [argument]"),
    (["--encoding", "mp3"], 2, "none of pcm16, mulaw, alaw [argument]"),
    (["--rate", "7000"], 2, "is not 8000 to 48000 Hz [argument]"),
    (["--model", "nobody"], 1, "[model-not-found]"),
    (["--keyword", "24"], 1, "[keyword]"),
])
def test_wrong_words_are_told(server, speech, more, code, says):
    done = live(server, *more)
    assert (done.returncode, done.stdout) == (code, b"")
    assert done.stderr.decode().endswith(says + "\n")


def test_the_header_of_a_file_is_not_taken_for_sound(server, speech):
    done = live(server, "--json", sound=(DEMO / "hello_world.wav").read_bytes())
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"header of a WAV file" in done.stderr and b"-t raw" in done.stderr


def test_a_server_that_is_not_permitted_hears_nothing(server, speech, tmp_path):
    heard = tmp_path / "the command ran"
    done = subprocess.run([BIN / "blindai", "live", "--addr", server.address, "--command", f"touch '{heard}'"],
                          capture_output=True, timeout=120)
    assert done.returncode == 3 and done.stdout == b""
    assert not heard.exists()


def test_it_explains_itself():
    done = subprocess.run([BIN / "blindai", "live", "--help"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "--command" in done.stdout and "examples:" in done.stdout
