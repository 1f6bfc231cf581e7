#!/usr/bin/env python3
"""Adds up the JUnit files of a ./run test and prints one line: N passed, N failed, N skipped.

    tools/count_tests.py FOLDER [--failed-stage NAME]

ctest knows a GoogleTest program as one test; such a program's own file, which has its cases, counts in its place. A
stage that failed counts as one failure when no file shows any, so that the line never says less than happened.
"""

import argparse
import pathlib
import sys
import xml.etree.ElementTree as xml


def cases(path):
    """(name, outcome) of each case of one file."""
    for case in xml.parse(path).getroot().iter("testcase"):
        skipped = case.find("skipped") is not None or case.get("status") in ("notrun", "disabled")
        failed = case.find("failure") is not None or case.find("error") is not None
        yield case.get("name"), "failed" if failed else "skipped" if skipped else "passed"


def count(folder):
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    for path in sorted(pathlib.Path(folder).rglob("*.xml")):
        for name, outcome in cases(path):
            # attestation/verifier is the program attestation_verifier_test, apps/server is server_test.
            programs = (name.replace("/", "_"), name.split("/")[-1])
            if path.name == "ctest.xml" and any((path.parent / f"{each}_test.xml").exists() for each in programs):
                continue
            totals[outcome] += 1
    return totals


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder")
    arguments.add_argument("--failed-stage")
    given = arguments.parse_args()
    totals = count(given.folder)
    if given.failed_stage and totals["failed"] == 0:
        totals["failed"] = 1
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**totals))
    return 1 if totals["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
