#!/usr/bin/env python3
"""clang-tidy over our sources, and over a source only when it or something that it includes has changed.

    tools/clang_tidy.py --build build/release [--jobs N] [FILE or FOLDER…]

A source that passed is remembered by a digest of all that could change the outcome: the configuration, the compile
command, and the text of the source and of every header of ours behind it.
"""

import argparse
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("BLINDAI_DEPS_DIR", pathlib.Path.home() / ".cache/blindai")) / "clang-tidy"
PROGRAM = "clang-tidy-14"


@functools.lru_cache(maxsize=None)
def own_includes(path):
    """The headers of ours that a file names: from src/, from tests/, or beside it."""
    names = re.findall(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(), re.M)
    candidates = (folder / name for name in names for folder in (ROOT / "src", ROOT / "tests", path.parent))
    return frozenset(file.resolve() for file in candidates if file.is_file())


def with_headers(source):
    seen, todo = set(), [source]
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo.extend(own_includes(path))
    return sorted(seen)


def digest(source, command):
    """Free of where the checkout lies, so that a clone elsewhere finds the same entry."""
    text = hashlib.sha256((ROOT / ".clang-tidy").read_bytes() + command.replace(str(ROOT), "").encode())
    for path in with_headers(source):
        text.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return text.hexdigest()


def check(source, build):
    # The compiler's own warnings are GCC's affair (-Werror in the build); here they would be clang's second opinion.
    command = [PROGRAM, "-p", str(build), "--quiet", "--extra-arg=-Wno-error", "--extra-arg=-w", str(source)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    return run.returncode == 0, run.stdout


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--build", type=pathlib.Path, required=True)
    arguments.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments.add_argument("paths", nargs="*", type=pathlib.Path)
    given = arguments.parse_args()

    wanted = [path.resolve() for path in given.paths]
    todo = {}
    for entry in json.loads((given.build / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["file"]).resolve()
        ours = source.is_relative_to(ROOT / "src") or source.is_relative_to(ROOT / "apps")
        chosen = not wanted or any(source.is_relative_to(path) for path in wanted)
        if ours and chosen and not source.name.endswith("_test.cc"):
            remembered = CACHE / digest(source, entry["command"])
            if not remembered.exists():
                todo[source] = remembered

    CACHE.mkdir(parents=True, exist_ok=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        outcomes = pool.map(lambda source: check(source, given.build), todo)
        for (source, remembered), (passed, text) in zip(todo.items(), outcomes):
            if passed:
                remembered.touch()
            else:
                failed += 1
                print(text)
                print(f"clang-tidy: {source.relative_to(ROOT)} failed", flush=True)
    print(f"clang-tidy: {len(todo)} sources checked, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
