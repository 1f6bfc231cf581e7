"""What a person sees on a terminal while `blindai` works: a line that is written over, and nothing of it after."""

import os
import pty
import re
import subprocess

import onnx_models
from conftest import BIN, DEMO

CLEARED = "\r\x1b[K"


def on_a_terminal(server, *words):
    """(exit code, all that was written)."""
    ours, theirs = pty.openpty()
    command = [BIN / "blindai", *words, "--addr", server.address, "--simulation"]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs,
                               env={**os.environ, "NO_COLOR": "1"})
    os.close(theirs)
    text = b""
    while True:
        try:
            more = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        text += more
    os.close(ours)
    return process.wait(60), text.decode()


def shown(text):
    """What stood in the line that was written over."""
    return [line.split("\r")[0] for line in text.split(CLEARED)[1:]]


def test_an_upload_shows_how_much_was_sent_and_then_only_the_model(server, client):
    code, text = on_a_terminal(server, "models", "upload", DEMO / "blindai-demo-en.onnx", "--id", "terminal")
    client.delete_model("terminal")
    assert code == 0
    sent = map(re.compile(r"uploading (\d+)% of 17\.2 MB").fullmatch, shown(text))
    percents = [int(line[1]) for line in sent if line]
    assert len(percents) > 10 and percents == sorted(set(percents)) and percents[-1] == 100
    assert f"{CLEARED}id          terminal\r\n" in text


def test_an_error_begins_a_line_of_its_own(server, tmp_path):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(onnx_models.adder()[:-10])
    code, text = on_a_terminal(server, "models", "upload", broken)
    assert code == 1
    assert any(line.startswith("uploading ") for line in shown(text))
    assert re.search(re.escape(CLEARED) + r"blindai: .+\[model-[a-z]+\]\r\n$", text)


def test_a_transcription_shows_what_was_sent_and_how_far_it_is(server, speech):
    code, text = on_a_terminal(server, "transcribe", DEMO / "session.wav", "--model", speech)
    assert code == 0
    lines = shown(text)
    assert "transcribing session.wav sent 100% of 3.84 MB" in lines
    assert re.fullmatch(r"transcribing session\.wav 1:00 of 1:00 \(\d+x\)", lines[-2])
    assert "hello" in text.split(CLEARED)[-1].lower()
