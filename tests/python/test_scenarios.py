"""Transcripts of the command line, tests/scenarios/*.txt: what a person types, and everything that they then read.

How they are written is said in tools/scenarios.py; tools/rebase.py refreshes them.
"""

import shlex
import shutil
import subprocess

import pytest

import scenarios
from conftest import BIN, ROOT


@pytest.fixture
def folder(tmp_path):
    scenarios.prepare(tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", scenarios.files(), ids=lambda path: path.stem)
def test_the_command_line_speaks_as_written(path, server, folder):
    for step in scenarios.read(path):
        done = scenarios.run(step, BIN / "blindai", folder, server.address)
        place = f"{path.relative_to(ROOT)}:{step.line}: {step.command} [exit {done.returncode}]\n"
        place += f"--- stdout\n{done.stdout}--- stderr\n{done.stderr}"
        assert scenarios.is_as_written(step, done, server.address), place


def test_there_are_transcripts():
    assert scenarios.files()


def test_a_refreshed_transcript_says_what_the_command_says(tmp_path, folder, server):
    old = "# A remark.\n$ blindai verify gone.hex\nanother answer\n[exit 1]\n\n$ blindai --version\nblindai …\n"
    path = tmp_path / "old.txt"
    path.write_text(old)
    (step, _) = scenarios.read(path)
    done = scenarios.run(step, BIN / "blindai", folder, server.address)
    assert not scenarios.is_as_written(step, done, server.address)
    lines = old.splitlines()
    lines[step.line:step.end] = scenarios.lines_of(done, server.address)
    path.write_text("\n".join(lines) + "\n")
    assert lines[0] == "# A remark." and "blindai …" in lines
    for step in scenarios.read(path):
        done = scenarios.run(step, BIN / "blindai", folder, server.address)
        assert scenarios.is_as_written(step, done, server.address)


def test_a_result_in_a_closed_pipe_kills_nothing(server):
    command = f"{shlex.quote(str(BIN / 'blindai'))} attest {server.address} --simulation | head -n 1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.startswith("verdict: simulation")


# ---- Shells and manual ----

# What each shell offers for the words of $@, by its own completion where it can be asked without a terminal.
ASK = {
    "bash": """source <(blindai completion bash)
               COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _blindai blindai; printf '%s\\n' "${COMPREPLY[@]}" """,
    "zsh": """compdef() { :; }; _files() { :; }; _describe() { print -rl -- "${(@P)2%%:*}"; }
              source <(blindai completion zsh)
              words=("$@"); CURRENT=$#; _blindai""",
    "fish": """blindai completion fish | source; complete -C "$argv" | string replace -r '\\t.*' ''""",
}


@pytest.mark.parametrize("shell", ASK)
def test_shells_complete_commands_and_options(shell):
    flags = {"bash": ["--norc", "-c", ASK["bash"], "-"], "zsh": ["-f", "-c", ASK["zsh"], "-"],
             "fish": ["--no-config", "-c", ASK["fish"]]}

    def offered(*words):
        done = subprocess.run([shutil.which(shell), *flags[shell], *words], capture_output=True, text=True, timeout=60,
                              env={"PATH": f"{BIN}:/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"})
        assert not done.stderr
        return done.stdout.split()

    assert offered("blindai", "mo") == ["models"]
    assert offered("blindai", "models", "up") == ["upload"]
    assert offered("blindai", "transcribe", "--form") == ["--format"]


def test_the_man_pages_have_nothing_that_a_formatter_complains_about(tmp_path):
    subprocess.run([BIN / "blindai", "manual", tmp_path], check=True, timeout=60)
    pages = sorted(tmp_path.glob("*.1"))
    assert len(pages) > 10
    for page in pages:
        done = subprocess.run(["groff", "-k", "-man", "-Tutf8", "-P-cbou", "-ww", page], capture_output=True,
                              text=True, timeout=60)
        assert done.returncode == 0 and not done.stderr, done.stderr
        assert "NAME" in done.stdout and "EXAMPLES" in done.stdout
