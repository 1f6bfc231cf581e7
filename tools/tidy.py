#!/usr/bin/env python3
"""The style page as a running test: arrows between rooms, where foreign names may stand, what a file must look like.

    tools/tidy.py [ROOT]

Prints `path:line: rule: what is wrong` for each finding; exit code 1 when there is one. A line may be excepted where it
stands, with a reason, by a comment `tidy: allow RULE: why`. Needs Python's own library only.
"""

import ast
import dataclasses
import functools
import pathlib
import re
import subprocess
import sys

MAX_COLUMNS = 120
MAX_FILE_BYTES = 20 * 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Finding:
    path: str
    line: int
    rule: str
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


@dataclasses.dataclass(frozen=True)
class Room:
    """One call of room() in src/**/CMakeLists.txt."""

    name: str
    cmake: str
    words: dict  # HEADERS, SOURCES, TESTS, MAY_INCLUDE, LIBRARIES, TEST_LIBRARIES -> list of words

    def list(self, key):
        return self.words.get(key, [])


class Tree:
    """The files of a checkout that git knows or would add; in a folder without git, all of them."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.files = sorted(self._list())

    def _list(self):
        if (self.root / ".git").exists():
            out = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                                 cwd=self.root, check=True, capture_output=True).stdout.decode()
            return [name for name in out.split("\0") if name and (self.root / name).is_file()]
        return [str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file()]

    @functools.lru_cache(maxsize=None)
    def text(self, path):
        """The file's text, or nothing if it is not text."""
        data = (self.root / path).read_bytes()
        if b"\0" in data[:8192]:
            return None
        try:
            return data.decode()
        except UnicodeDecodeError:
            return None

    def lines(self, path):
        return list(enumerate((self.text(path) or "").split("\n"), 1))

    def matching(self, pattern):
        return [path for path in self.files if re.search(pattern, path)]

    @functools.cached_property
    def rooms(self):
        found = []
        for path in self.matching(r"^src/.+/CMakeLists\.txt$"):
            text = re.sub(r"#.*", "", self.text(path))
            for call in re.findall(r"^room\(([^)]*)\)", text, re.M):
                words, key = {}, None
                for word in call.split():
                    if re.fullmatch(r"NAME|HEADERS|SOURCES|TESTS|MAY_INCLUDE|LIBRARIES|TEST_LIBRARIES", word):
                        key = word
                        words[key] = []
                    else:
                        words[key].append(word)
                found.append(Room(words["NAME"][0], path, words))
        return {room.name: room for room in found}

    def room_of(self, path):
        """The room that holds `path`, given from src/: the longest room name that begins it."""
        names = [name for name in self.rooms if path.startswith(name + "/")]
        return max(names, key=len, default=None)


CPP = r"\.(cc|h)$"
OWN_TEXT = (r"^(src|apps|tests|fuzz|bench|python|examples|tools|cmake|web|deploy|image)/"
            r"|^(run|\.ci/run|CMakeLists\.txt)$")


# ---- Arrows ----

def arrows_in_includes(tree):
    """Each #include "room/word.h" is of the own room or of one in MAY_INCLUDE."""
    for path in tree.matching(r"^src/.*" + CPP):
        own = tree.room_of(path[len("src/"):])
        if own is None:
            yield Finding(path, 1, "arrows", "lies in no room: its folder has no room() in a CMakeLists.txt")
            continue
        room = tree.rooms[own]
        allowed = {own, *room.list("MAY_INCLUDE")}
        if path.endswith("_test.cc"):
            libraries = room.list("TEST_LIBRARIES")
            allowed |= {name for name in tree.rooms if "room_" + name.replace("/", "_") in libraries}
        for number, line in tree.lines(path):
            include = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not include:
                continue
            other = tree.room_of(include[1])
            if other is None and include[1].startswith("support/") and path.endswith("_test.cc"):
                continue
            if other is None and not include[1].endswith(".pb.h"):
                yield Finding(path, number, "arrows", f'"{include[1]}" is of no room: "room/word.h" from src/')
            elif other is not None and other not in allowed:
                yield Finding(path, number, "arrows", f"{own} may not include {other} (see its MAY_INCLUDE)")


def documented_arrows(tree):
    """The table of docs/ARCHITECTURE.md: room -> (line, rooms it may include, there named by their last word)."""
    table, inside = {}, False
    for number, line in tree.lines("docs/ARCHITECTURE.md"):
        inside = line == "| room | may include |" or (inside and line.startswith("|"))
        row = re.match(r"\|\s*`?([a-z0-9_/]+)`?\s*\|\s*([a-z0-9_/, –]+?)\s*\|$", line)
        if inside and row and row[1] != "room":
            table[row[1]] = (number, [name.strip() for name in row[2].split(",") if name.strip(" –")])
    full = {name.split("/")[-1]: name for name in table}
    return {name: (line, {full.get(other, other) for other in others})
            for name, (line, others) in table.items()}


def arrows_in_table(tree):
    """CMake's MAY_INCLUDE and the table of docs/ARCHITECTURE.md are the same, and there is no cycle."""
    page = "docs/ARCHITECTURE.md"
    if page not in tree.files:
        return
    table = documented_arrows(tree)
    for room in tree.rooms.values():
        if room.name not in table:
            yield Finding(room.cmake, 1, "arrows", f"room {room.name} has no row in the table of {page}")
            continue
        number, documented = table[room.name]
        for other in sorted(set(room.list("MAY_INCLUDE")) - documented):
            yield Finding(room.cmake, 1, "arrows", f"{room.name} -> {other} is not in the table of {page}")
        for other in sorted(documented - set(room.list("MAY_INCLUDE"))):
            yield Finding(page, number, "arrows", f"{room.name} -> {other} is in the table and not in {room.cmake}")
    for name, (number, _) in table.items():
        if name not in tree.rooms:
            yield Finding(page, number, "arrows", f"the table has a room {name}, and src/ has not")


def arrows_without_cycle(tree):
    done, path = set(), []

    def visit(name):
        if name in path:
            return path[path.index(name):] + [name]
        if name in done or name not in tree.rooms:
            return None
        path.append(name)
        for other in tree.rooms[name].list("MAY_INCLUDE"):
            cycle = visit(other)
            if cycle:
                return cycle
        path.pop()
        done.add(name)
        return None

    for name in tree.rooms:
        cycle = visit(name)
        if cycle:
            yield Finding(tree.rooms[name].cmake, 1, "arrows", "a cycle: " + " -> ".join(cycle))
            return


# ---- Foreign names ----

# What only some files may name: (whose, pattern, where it may stand). Tests may use a library to make bad input.
FOREIGN = [
    ("OpenSSL", r'#\s*include\s*<openssl/|\b(SSL|EVP|X509|BIO|ASN1|EC_KEY|ECDSA|BN)_[A-Za-z]\w*',
     r"^src/crypto/|^src/net/tls|_test\.cc$|^tests/"),
    ("OpenVINO", r"#\s*include\s*<openvino/|\bov::", r"^src/model/openvino_"),
    ("toml::parse", r"#\s*include\s*<toml\+\+|\btoml::parse\(", r"^src/encoding/toml\.|_test\.cc$"),
    ("Boost.Beast", r"#\s*include\s*<boost/beast|\bbeast::", r"^src/net/|_test\.cc$|^tests/"),
    ("FFmpeg", r"#\s*include\s*<lib(av|sw)\w+/|\bav_[a-z]\w*\(", r"^src/speech/decode_audio"),
    ("gRPC", r"#\s*include\s*<grpc|\bgrpc::", r"^src/protocols/endpoints/\w*grpc|_test\.cc$|^tests/"),
    ("SQLite", r"#\s*include\s*<sqlite3|\bsqlite3_\w+", r"^src/(service|model)/\w*(store|accounts)"),
    ("libpq", r"#\s*include\s*<libpq|\bPQ[a-z]\w+\(", r"^src/service/accounts/postgresql/"),
    ("libseccomp", r"#\s*include\s*<seccomp|\bseccomp_\w+\(", r"^src/model/|_test\.cc$"),
    ("TSS", r"#\s*include\s*<tss2/|\bEsys_\w+", r"^src/attestation/attester/tpm|^tests/"),
]


def foreign_names(tree):
    for path in tree.matching(r"^(src|apps|tests|fuzz|bench)/.*" + CPP):
        for number, line in tree.lines(path):
            code = line.split("//")[0]
            for whose, pattern, where in FOREIGN:
                if re.search(pattern, code) and not re.search(where, path):
                    yield Finding(path, number, "foreign-name", f"a name of {whose} may stand only in {where}")


# ---- Files ----

# Sources whose test lies elsewhere: a part of a word that is tested as a whole, or code that only another process runs.
TESTED_BY = {
    "src/base/bytes.cc": "src/base/byte_reader_test.cc",
    "src/base/check.cc": "src/base/result_test.cc",
    "src/model/openvino_runtime.cc": "src/model/openvino_engine_test.cc",
    "src/net/client_connection.cc": "src/net/http_client_test.cc",
    "src/net/connection_facts.cc": "src/net/tls_test.cc",
    "src/net/http_exchange.cc": "src/net/http_server_test.cc",
    "src/net/io_pool.cc": "src/net/http_server_test.cc",
    "src/net/server_connection.cc": "src/net/http_server_test.cc",
    "src/net/stream.cc": "src/net/http_server_test.cc",
}


def tests_beside(tree):
    """Each source has its test beside it, or a test of its room that includes its header, or is in TESTED_BY."""
    for path in tree.matching(r"^src/.*\.cc$"):
        if path.endswith("_test.cc") or path in TESTED_BY or path[:-3] + "_test.cc" in tree.files:
            continue
        header = '"' + path[len("src/"):-len(".cc")] + '.h"'
        tests = tree.matching("^" + re.escape(str(pathlib.Path(path).parent)) + r"/\w+_test\.cc$")
        if not any(header in tree.text(test) for test in tests):
            yield Finding(path, 1, "test-beside", f"has no {pathlib.Path(path).stem}_test.cc beside it")
    for path, test in TESTED_BY.items():
        if "tools/tidy.py" in tree.files and not {path, test} <= set(tree.files):
            yield Finding("tools/tidy.py", 1, "test-beside", f"TESTED_BY names {path} and {test}, and one is gone")


def files_are_built(tree):
    """Every file of a room is named in its room(); a test that is not named would never run."""
    for path in tree.matching(r"^src/.*" + CPP):
        name = tree.room_of(path[len("src/"):])
        if name is None:
            continue
        room = tree.rooms[name]
        local = path[len("src/" + name) + 1:]
        if local not in tree.text(room.cmake).split() and local not in re.split(r"[\s()]+", tree.text(room.cmake)):
            yield Finding(path, 1, "not-built", f"{room.cmake} does not name it")


def file_names(tree):
    for path in tree.matching(r"^(src|apps|tests|fuzz|bench|tools|python|examples)/.*\.(cc|h|py|proto|cmake)$"):
        name = pathlib.Path(path).name
        if not re.fullmatch(r"_{0,2}[a-z0-9][a-z0-9_]*?_{0,2}\.[a-z]+", name):
            yield Finding(path, 1, "file-name", "is not snake_case")


def headers_begin_with_why(tree):
    for path in tree.matching(r"^(src|apps|tests)/.*\.h$"):
        if not tree.text(path).startswith("// "):
            yield Finding(path, 1, "header-comment", "a header begins with a comment that says why it exists")
        if "#pragma once" not in tree.text(path):
            yield Finding(path, 1, "pragma-once", "a header has #pragma once")


def line_length(tree):
    for path in tree.matching(OWN_TEXT):
        is_code = re.search(r"\.(cc|h|py|cmake|sh|toml|txt)$|^(run|\.ci/run)$", path)
        if not is_code or re.search("/corpus/|/scenarios/", path):
            continue
        for number, line in tree.lines(path):
            if len(line) > MAX_COLUMNS:
                yield Finding(path, number, "line-length", f"{len(line)} columns; at most {MAX_COLUMNS}")


def no_leftovers(tree):
    """No notes to oneself, and no commented-out code (a statement right behind `// `; examples are indented more)."""
    note = re.compile(r"\b(TO[D]O|FIX[M]E|HA[C]K|XX[X])\b")
    dead_cpp = re.compile(r"^\s*// ?(return\b.*|[\w:<>*&.\[\]()\->]+ ?[\w:<>*&]*( = .*|\(.*\)));$"
                          r"|^\s*// ?(if|for|while) \(.*\) ?\{$")
    dead_python = re.compile(r"^\s*# ?(return \w+|import \w+|from \w+ import .*|\w+ = \w+\(.*\)|print\(.*\))$")
    for path in tree.matching(OWN_TEXT):
        for number, line in tree.lines(path):
            if note.search(line) and "/corpus/" not in path:
                yield Finding(path, number, "leftover", "a note to oneself; open an issue instead")
            if path.endswith((".cc", ".h")) and dead_cpp.match(line):
                yield Finding(path, number, "leftover", "commented-out code")
            if path.endswith(".py") and dead_python.match(line):
                yield Finding(path, number, "leftover", "commented-out code")


def no_build_output(tree):
    for path in tree.files:
        if re.search(r"\.(o|a|so|pyc|whl|gch)$|^(build|\.venv|dist)/|__pycache__", path):
            yield Finding(path, 1, "build-output", "is made by the build and is not kept in git")
        elif (tree.root / path).stat().st_size > MAX_FILE_BYTES:
            yield Finding(path, 1, "file-size", f"over {MAX_FILE_BYTES >> 20} MiB")


def no_sleep_in_tests(tree):
    """A sleep waits too long or not long enough; tests wait for the event itself."""
    sleep = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(")
    for path in tree.matching(r"_test\.cc$|^tests/.*\.(cc|h|py)$"):
        for number, line in tree.lines(path):
            if sleep.search(line):
                yield Finding(path, number, "sleep", "tests wait for the event, not for time to pass")


def no_machine_paths(tree):
    """Nothing of one machine, and no package registry by its host: clients know where theirs are."""
    path_of_machine = re.compile(r"(?<![\w.}/])/(work|root|home)/\w")
    host = re.compile(r"\b(py[p]i\.(org|io)|python[h]osted|deb[.]debian|archive[.]ubuntu|npm[j]s\.|crates[.]io|"
                      r"proxy[.]golang|repo1?[.]maven|hugging[f]ace\.co/api)", re.I)
    for path in tree.files:
        if path == "LICENSE" or "/corpus/" in path:
            continue
        for number, line in tree.lines(path):
            if path_of_machine.search(line):
                yield Finding(path, number, "machine-path", "a path of one machine")
            if host.search(line):
                yield Finding(path, number, "registry-host", "a package registry's host")


# ---- Promises ----

# Where text that is not a literal may reach the log: what the operator configured, said at start.
OPERATOR_TEXT = r"^src/base/|^apps/server/|^apps/directory/|^apps/worker/"


def logs_are_literals(tree):
    for path in tree.matching(r"^(src|apps)/.*" + CPP):
        if path.endswith("_test.cc"):
            continue
        for number, line in tree.lines(path):
            if "OperatorText(" in line and not re.search(OPERATOR_TEXT, path):
                yield Finding(path, number, "log-text", f"OperatorText may be used only in {OPERATOR_TEXT}")
            if re.search(r"\bstd::(cerr|clog|cout)\b|\b(printf|fprintf|puts)\s*\(", line.split("//")[0]) and \
                    path.startswith("src/") and not path.startswith("src/base/"):
                yield Finding(path, number, "log-text", "rooms write no text of their own: base::LogEvent")


@functools.lru_cache(maxsize=None)
def test_names(tree):
    """Suite.Name of every GoogleTest, and path::name of every Python test."""
    names = set()
    for path in tree.matching(r"_test\.cc$|^tests/.*\.cc$"):
        for suite, name in re.findall(r"\bTEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)", tree.text(path) or ""):
            names.add(f"{suite}.{name}")
    for path in tree.matching(r"(^|/)\w*test\w*\.py$"):
        for node in ast.walk(ast.parse(tree.text(path))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test"):
                names.add(f"{path}::{node.name}")
    return names


def claims_have_tests(tree):
    """docs/CLAIMS.md: every row of its tables names tests in backticks, and they exist."""
    page = "docs/CLAIMS.md"
    if page not in tree.files:
        return
    names = test_names(tree)
    fuzzers = {pathlib.Path(path).stem for path in tree.matching(r"^fuzz/\w+_fuzz\.cc$")}
    for number, line in tree.lines(page):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or len(cells) < 2 or set(cells[-1]) <= set("-: ") or cells[-1] == "tests":
            continue
        named = re.findall(r"`([^`]+)`", cells[-1])
        if not named:
            yield Finding(page, number, "claim", "a claim without a test")
        for name in named:
            if name not in names | fuzzers:
                yield Finding(page, number, "claim", f"no test is called {name}")


def fuzz_targets_have_seeds(tree):
    for path in tree.matching(r"^fuzz/\w+_fuzz\.cc$"):
        name = pathlib.Path(path).stem
        if name != "canary_fuzz" and not tree.matching(rf"^fuzz/corpus/{name}/"):
            yield Finding(path, 1, "fuzz-seeds", f"fuzz/corpus/{name}/ has no seed")


def links_lead_somewhere(tree):
    """Relative links of our pages."""
    for path in tree.matching(r"^(README\.md|docs/.*\.md)$"):
        for number, line in tree.lines(path):
            for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line):
                if "://" not in target and not (tree.root / path).parent.joinpath(target).exists():
                    yield Finding(path, number, "link", f"{target} does not exist")


RULES = [
    arrows_in_includes,
    arrows_in_table,
    arrows_without_cycle,
    foreign_names,
    tests_beside,
    files_are_built,
    file_names,
    headers_begin_with_why,
    line_length,
    no_leftovers,
    no_build_output,
    no_sleep_in_tests,
    no_machine_paths,
    logs_are_literals,
    claims_have_tests,
    fuzz_targets_have_seeds,
    links_lead_somewhere,
]


def excepted(tree, finding):
    """Whether the finding's line, or the one above it, says `tidy: allow RULE: why`."""
    lines = (tree.text(finding.path) or "").split("\n")
    near = lines[max(0, finding.line - 2):finding.line]
    return any(re.search(rf"tidy: allow {finding.rule}: \w", line) for line in near)


def findings(root):
    tree = Tree(root)
    return [found for rule in RULES for found in rule(tree) if not excepted(tree, found)]


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    found = findings(root)
    for finding in found:
        print(finding)
    print(f"tidy: {len(found)} findings" if found else "tidy: nothing to say")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
