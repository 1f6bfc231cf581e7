"""The gateway's page (web/). What it computes is tested by Node.js; the stories are in tests/web/."""

import os
import re
import subprocess
import xml.etree.ElementTree
import zipfile

import pytest

from conftest import ROOT
from local_gateway import Gateway

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def node(*arguments, **environment):
    """Runs Node.js; its tests' report is the message of a failure."""
    done = subprocess.run(["node", *map(str, arguments)], cwd=ROOT / "tests/web", capture_output=True, text=True,
                          timeout=600, env={**os.environ, **environment})
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

@pytest.mark.usefixtures("speech")
def test_a_person_records_reads_and_exports(server, tmp_path):
    with Gateway(server.address, "--simulation") as gateway:
        report = node("--test", "page_test.js", BLINDAI_PAGE=gateway.page, BLINDAI_DOCX=str(tmp_path / "x.docx"))
    assert passed_in(report) >= 15
    title, first, *_ = paragraphs(tmp_path / "x.docx")
    assert title == "session.wav" and "Hello. It is good to see you <b>again</b>." in first


def test_a_server_that_is_refused_gets_nothing(server):
    with Gateway(server.address) as gateway:
        assert passed_in(node("--test", "refused_test.js", BLINDAI_PAGE=gateway.page)) == 1


def test_the_page_turns_red_when_server_or_gateway_end(own_server):
    with Gateway(own_server.address, "--simulation") as gateway:
        report = node("--test", "ended_test.js", BLINDAI_PAGE=gateway.page,
                      BLINDAI_SERVER=str(own_server.process.pid), BLINDAI_GATEWAY=str(gateway.process.pid))
    assert passed_in(report) == 1
