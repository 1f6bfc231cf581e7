"""What the closing line of ./run test counts, and which failures it names."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(__file__).with_name("count_tests.py")


def report(folder, name, *cases):
    path = pathlib.Path(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>", encoding="utf-8")


def run(folder, *options):
    done = subprocess.run([sys.executable, PROGRAM, folder, *options], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


class CountTests(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())

    def test_a_program_counts_by_its_cases_and_not_once_more(self):
        report(self.folder, "release/ctest.xml", '<testcase name="net"/>', '<testcase name="tidy"/>')
        report(self.folder, "release/net_test.xml", '<testcase name="A"/>', '<testcase name="B"><skipped/></testcase>')
        self.assertEqual(run(self.folder), (0, ["2 passed, 0 failed, 1 skipped"]))

    def test_a_failure_is_named_with_the_start_of_its_message(self):
        lines = "&#10;".join(f"line {i}" for i in range(20))
        report(self.folder, "release/net_test.xml", f'<testcase name="A"><failure message="{lines}"/></testcase>')
        code, output = run(self.folder)
        self.assertEqual(code, 1)
        self.assertEqual(output[0], "FAILED net_test A")
        self.assertEqual(output[1].strip(), "line 0")
        self.assertLess(len(output), 10)
        self.assertEqual(output[-1], "0 passed, 1 failed, 0 skipped")

    def test_a_stage_that_failed_without_a_report_counts_as_one_failure(self):
        code, output = run(self.folder, "--failed-stage", "programs")
        self.assertEqual((code, output), (1, ["0 passed, 1 failed, 0 skipped"]))


if __name__ == "__main__":
    unittest.main()
