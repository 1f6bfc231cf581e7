#!/usr/bin/env python3
"""Runs the fuzz targets, each for BLINDAI_FUZZ_SECONDS (default 60), and the canary, which must fail.

    tools/fuzz.py --build build/fuzz [--jobs N] [--again] [NAME…]     NAME: a pattern net_*, or !net_* for all others

Each call searches somewhere else. With --again it makes the same inputs as the call before: the tests use this, so that
their answer depends on the change and not on luck.

New inputs that reach new code are kept in build/fuzz-corpus/, an input that crashes in build/fuzz-artifacts/. The seeds
in fuzz/corpus/ are read and never written.
"""

import argparse
import concurrent.futures
import fnmatch
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
# A planted defect: when its target comes through, the fuzzers find nothing because they cannot.
CANARY = "canary_fuzz"
# With --again this ends most searches; the time ends only those of the slowest targets.
RUNS_AGAIN = 20_000


def run(program, seconds, again):
    """Whether the target came through, its executions, and its output."""
    name = program.name
    # What other searches have kept would lead this one elsewhere.
    kept = ROOT / "build/fuzz-again" if again else ROOT / "build/fuzz-corpus"
    if again:
        shutil.rmtree(kept / name, ignore_errors=True)
    corpus, artifacts = kept / name, ROOT / "build/fuzz-artifacts" / name
    corpus.mkdir(parents=True, exist_ok=True)
    artifacts.mkdir(parents=True, exist_ok=True)
    command = [program, f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1",
               f"-artifact_prefix={artifacts}/", corpus]
    if again:
        command += ["-seed=1", f"-runs={RUNS_AGAIN}"]
    seeds = ROOT / "fuzz/corpus" / name
    if seeds.is_dir():
        command.append(seeds)
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    executions = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    return done.returncode == 0, int(executions[1]) if executions else 0, done.stderr


def wanted(name, pattern):
    if pattern.startswith("!"):
        return not fnmatch.fnmatch(name, pattern[1:])
    return fnmatch.fnmatch(name, pattern)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--build", type=pathlib.Path, required=True)
    arguments.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments.add_argument("--again", action="store_true")
    arguments.add_argument("names", nargs="*")
    given = arguments.parse_args()
    seconds = int(os.environ.get("BLINDAI_FUZZ_SECONDS", "60"))

    programs = sorted(path for path in (given.build / "fuzz").resolve().glob("*_fuzz") if path.is_file())
    if given.names:
        programs = [path for path in programs if any(wanted(path.name, pattern) for pattern in given.names)]
    if not programs:
        print("fuzz: no such target", file=sys.stderr)
        return 2

    failed = []
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        results = pool.map(lambda path: run(path, seconds, given.again), programs)
        for program, (passed, executions, text) in zip(programs, results):
            good = passed != (program.name == CANARY)
            print(f"{'ok    ' if good else 'FAILED'} {program.name:45} {executions:10} runs", flush=True)
            if not good:
                failed.append(program.name)
                print("the canary came through" if passed else text[-4000:])
    print(f"fuzz: {len(programs)} targets, {len(failed)} failed, {time.monotonic() - begin:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
