"""The gateway's page (web/). What it computes is tested by Node.js; the stories are in tests/web/."""

import json
import os
import re
import subprocess
import xml.etree.ElementTree
import zipfile

import blindai
import docx
import pytest

from conftest import DEMO, ROOT
from local_gateway import Gateway

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def node(*arguments, **environment):
    """Runs Node.js; its tests' report is the message of a failure."""
    done = subprocess.run(["node", *map(str, arguments)], cwd=ROOT / "tests/web", capture_output=True, text=True,
                          timeout=3600, env={**os.environ, **environment})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def passed_in(report):
    return int(re.search(r"^# pass (\d+)$", report, re.M)[1])


def paragraphs(path):
    """The text of a Word document, read by others' means."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        parts = {name: xml.etree.ElementTree.fromstring(archive.read(name)) for name in archive.namelist()}
    assert set(parts) == {"[Content_Types].xml", "_rels/.rels", "word/document.xml"}
    return ["".join(node.text or "" for node in paragraph.iter(f"{WORD}t"))
            for paragraph in parts["word/document.xml"].iter(f"{WORD}p")]


def test_what_the_page_computes_is_right():
    assert passed_in(node("--test", "pure_test.js")) >= 25


def test_a_word_document_is_read_by_others(tmp_path):
    node("export_docx.js", tmp_path / "x.docx")
    assert paragraphs(tmp_path / "x.docx") == ["Monday <1>", '0:00  A&B<b> & "x" bell Grüße 🙂']


# ---- In a real browser ----

@pytest.fixture
def two_hours(tmp_path):
    """A minute of two people, two hours of silence, the same minute."""
    spoken, path = DEMO / "session.wav", tmp_path / "two_hours.flac"
    silence = "[0:a]apad=pad_dur=7200[first];[first][1:a]concat=n=2:v=0:a=1"
    subprocess.run(["ffmpeg", "-loglevel", "error", "-i", spoken, "-i", spoken, "-filter_complex", silence, path],
                   check=True, timeout=600)
    return path


def cues_of(path):
    """[(seconds, text)] of subtitles, as FFmpeg reads them."""
    done = subprocess.run(["ffmpeg", "-loglevel", "error", "-i", path, "-f", "srt", "-"], capture_output=True,
                          text=True, check=True, timeout=60)
    assert not done.stderr
    cue = re.compile(r"^\d+\n(\d+):(\d+):(\d+),(\d+) --> \S+\n(.+?)\n(?:\n|\Z)", re.M | re.S)
    return [(3600 * int(hours) + 60 * int(minutes) + int(seconds) + int(thousandths) / 1000, text)
            for hours, minutes, seconds, thousandths, text in cue.findall(done.stdout)]


@pytest.mark.usefixtures("speech")
def test_a_person_records_reads_and_exports(server, tmp_path, two_hours):
    with Gateway(server.address, "--simulation") as gateway:
        report = node("--test", "page_test.js", BLINDAI_PAGE=gateway.page, BLINDAI_EXPORTS=str(tmp_path),
                      BLINDAI_TWO_HOURS=str(two_hours))
    assert passed_in(report) >= 18

    # What was saved, as other programs read it: the same words of the same people at the same times.
    session = json.loads((tmp_path / "session.wav.json").read_text())
    turns = session["turns"]
    assert {turn["speaker"] for turn in turns} == {"Therapist", "Anna"}
    assert turns[0]["text"] == "Hello. It is good to see you <b>again</b>." and turns[0]["corrected"]
    spoken = [turn["text"] for turn in turns[1:]]

    srt, vtt = cues_of(tmp_path / "session.wav.srt"), cues_of(tmp_path / "session.wav.vtt")
    assert [start for start, _ in srt] == [start for start, _ in vtt] == sorted(start for start, _ in vtt)
    for turn in turns:
        assert any(abs(start - turn["start"]) < 0.002 for start, _ in srt)
    assert " ".join(spoken) in " ".join(text for _, text in vtt)
    named = [re.match("(Therapist|Anna): (.+)", text) for _, text in srt]
    assert " ".join(spoken) in " ".join(text[2] for text in named)

    text = (tmp_path / "session.wav.txt").read_text()
    document = docx.Document(tmp_path / "session.wav.docx")
    title, *written = [paragraph.text for paragraph in document.paragraphs]
    assert title == "session.wav" and len(written) == len(turns)
    for turn, paragraph in zip(turns, written):
        assert turn["speaker"] in paragraph and turn["text"] in paragraph
        assert f"{turn['speaker']}\n{turn['text']}\n" in text


def test_a_server_that_is_refused_gets_nothing(server):
    with Gateway(server.address) as gateway:
        assert passed_in(node("--test", "refused_test.js", BLINDAI_PAGE=gateway.page)) == 1


def test_the_page_turns_red_when_server_or_gateway_end(own_server):
    with blindai.connect(own_server.address, simulation=True) as client:
        client.upload_model(DEMO / "blindai-demo-en.onnx", model_id="speech", kind="ctc-speech", visibility="public")
    with Gateway(own_server.address, "--simulation") as gateway:
        report = node("--test", "ended_test.js", BLINDAI_PAGE=gateway.page,
                      BLINDAI_SERVER=str(own_server.process.pid), BLINDAI_GATEWAY=str(gateway.process.pid))
    assert passed_in(report) == 1
