#!/usr/bin/env python3
"""Adds up the JUnit files of a ./run test: the failed cases with the start of what they said, and then one line,
N passed, N failed, N skipped.

    tools/count_tests.py FOLDER [--failed-stage NAME]

ctest knows a GoogleTest program as one test; such a program's own file, which has its cases, counts in its place. A
stage that failed counts as one failure when no file shows any, so that the line never says less than happened.
"""

import argparse
import pathlib
import sys
import xml.etree.ElementTree as xml


SHOWN_CASES = 12
SHOWN_LINES = 6


def cases(path):
    """(name, outcome, message) of each case of one file."""
    for case in xml.parse(path).getroot().iter("testcase"):
        skipped = case.find("skipped") is not None or case.get("status") in ("notrun", "disabled")
        failure = next((found for found in (case.find("failure"), case.find("error")) if found is not None), None)
        if failure is not None:
            yield case.get("name"), "failed", failure.get("message") or failure.text or ""
        else:
            yield case.get("name"), "skipped" if skipped else "passed", ""


def count(folder):
    """How many cases ended how, and (file, name, message) of those that failed."""
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    failures = []
    for path in sorted(pathlib.Path(folder).rglob("*.xml")):
        for name, outcome, message in cases(path):
            # attestation/verifier is the program attestation_verifier_test, apps/server is server_test.
            programs = (name.replace("/", "_"), name.split("/")[-1])
            if path.name == "ctest.xml" and any((path.parent / f"{each}_test.xml").exists() for each in programs):
                continue
            totals[outcome] += 1
            if outcome == "failed":
                failures.append((path.stem, name, message))
    return totals, failures


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder")
    arguments.add_argument("--failed-stage")
    given = arguments.parse_args()
    totals, failures = count(given.folder)
    for program, name, message in failures[:SHOWN_CASES]:
        print(f"FAILED {program} {name}")
        for line in message.strip().splitlines()[:SHOWN_LINES]:
            print(f"    {line[:160]}")
    if given.failed_stage and totals["failed"] == 0:
        totals["failed"] = 1
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**totals))
    return 1 if totals["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
