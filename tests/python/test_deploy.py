"""What deploy/*.md tells people to type does what the page says: each page is run as one script."""

import re
import shutil
import sys

import pytest

import own_network
import real_tpm
from conftest import BIN, ROOT


def blocks_of(page):
    """(kind, text) of the blocks ```sh (commands), ```sh server (one program that goes on) and ```toml FILE."""
    return re.findall(r"^```(\S[^\n]*)\n(.*?)^```$", (ROOT / "deploy" / page).read_text(), re.M | re.S)


def script_of(blocks):
    lines = []
    for kind, text in blocks:
        if kind == "sh server":
            lines.append(own_network.server(text.strip()))
        elif kind == "sh":
            lines.append(text)
        elif kind.startswith("toml "):
            lines.append(f"cat >{kind.split()[1]} <<'END'\n{text}END\n")
    return "".join(lines)


def test_simulation(tmp_path):
    said = own_network.run(script_of(blocks_of("simulation.md")), tmp_path)
    assert "mode=simulation" in said and "hello" in said.lower()


@pytest.mark.skipif(not (BIN / "blindai-directory").exists(), reason="blindai-directory is not built")
def test_cloud(tmp_path):
    said = own_network.run(script_of(blocks_of("cloud.md")), tmp_path)
    assert "blindai_directory_servers_listed" in said and "hello" in said.lower() and "forgotten" in said


# A program in the image of the page as its root file system, with this folder inside of it.
IN_IMAGE = """
mount --bind image image
mkdir -p image/proc image/dev image/tmp image/work image/old
for place in proc dev tmp; do mount --rbind "/$place" "image/$place"; done
mount --bind . image/work
cd image
pivot_root . old
cd /work
exec "$@"
"""
TPM_IN_SOFTWARE = "/usr/lib/x86_64-linux-gnu/libtss2-tcti-swtpm.so.0"


def own_hardware_script(tcti):
    """The page for a machine whose TPM is reached by `tcti`, which mine.toml describes."""
    tpm = f'[tpm]\ntcti = "{tcti}"\ncertificates = "ak.pem"\nevent_log = "no-log"\n'
    script, asked = [], False
    for kind, text in blocks_of("own-hardware.md"):
        text = re.sub(r"^blindai (?!login).*", r"\g<0> --root ca.pem", text, flags=re.M)
        text = text.replace("connect()", 'connect(roots=["ca.pem"])')
        if kind == "toml server.toml":
            text = text.replace('"auto"', '"tpm"') + tpm
        elif kind == "sh server":
            text = f"unshare --mount bash -e in_image /opt/blindai/{text}"
        elif kind == "python":
            kind, text = "sh", f"PYTHONPATH={':'.join(sys.path)} {sys.executable} - <<'END'\n{text}END\n"
        elif "mkdir -p image" in text:
            text += f"cp --parents -L {TPM_IN_SOFTWARE} image\n"
        elif text.startswith("blindai attest") and not asked:
            # The example's values are not this machine's.
            text, asked = f"code=0; {text.strip()} || code=$?; [[ $code == 3 ]]\ncp mine.toml policy.toml\n", True
        script.append((kind, text))
    return script_of(script) + "rm -r image\n"


def test_own_hardware(tmp_path):
    """With a TPM in software, whose library is the only file that the page does not name."""
    (tmp_path / "build").mkdir()
    (tmp_path / "build/bin").symlink_to(BIN)
    (tmp_path / "hosts").write_text("127.0.0.1 localhost blindai.example\n")
    (tmp_path / "in_image").write_text(IN_IMAGE)
    shutil.copy(ROOT / "docs/formats/policies/tpm.toml", tmp_path / "policy.toml")
    with real_tpm.machine() as (tcti, machine):
        for file, name in (("ak.pem", "ak.pem"), ("ca.pem", "ca.pem"), ("policy.toml", "mine.toml")):
            shutil.copy(machine / file, tmp_path / name)
        said = own_network.run(own_hardware_script(tcti), tmp_path)
    assert "mode=hardware" in said and "clinic" in said and "HELLO WORLD" in said and "trusted ['demo']" in said
