#!/usr/bin/env python3
"""Tests of tidy: each builds a small tree with one thing wrong and expects exactly that finding."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import tidy  # noqa: E402

CMAKE = "src/{0}/CMakeLists.txt"
ARROWS = "| room | may include |\n|---|---|\n"
GOOD = {
    "src/base/CMakeLists.txt": "room(NAME base\n HEADERS words.h\n SOURCES words.cc\n TESTS words_test.cc)\n",
    "src/base/words.h": "// Why.\n#pragma once\n",
    "src/base/words.cc": '#include "base/words.h"\n',
    "src/base/words_test.cc": '#include "base/words.h"\n\nTEST(Bytes, AreCounted) {}\n',
    "src/net/CMakeLists.txt": "room(NAME net\n     HEADERS tls.h\n     MAY_INCLUDE base)\n",
    "src/net/tls.h": '// Why.\n#pragma once\n#include <openssl/ssl.h>\n#include "base/words.h"\n',
    "docs/ARCHITECTURE.md": ARROWS + "| base | – |\n| net | base |\n",
    "docs/CLAIMS.md": "| claim | tests |\n|---|---|\n| counted | `Bytes.AreCounted` |\n",
}


class TidyTest(unittest.TestCase):
    def check(self, changes, *expected):
        """The good tree with `changes` ({path: text, or None to leave out}) gives exactly these (path, rule)."""
        with tempfile.TemporaryDirectory() as folder:
            for path, text in {**GOOD, **changes}.items():
                if text is not None:
                    file = pathlib.Path(folder, path)
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(text)
            self.assertEqual(sorted((found.path, found.rule) for found in tidy.findings(folder)), sorted(expected))

    def test_the_good_tree_has_no_findings(self):
        self.check({})

    def test_an_include_against_the_arrows_is_found(self):
        self.check({"src/base/words.cc": '#include "net/tls.h"\n'}, ("src/base/words.cc", "arrows"))

    def test_an_include_of_no_room_is_found(self):
        self.check({"src/base/words.cc": '#include "words.h"\n'}, ("src/base/words.cc", "arrows"))

    def test_the_longest_room_name_decides_whose_a_file_is(self):
        self.check({
            "src/net/inner/CMakeLists.txt": "room(NAME net/inner\n     HEADERS word.h)\n",
            "src/net/inner/word.h": "// Why.\n#pragma once\n",
            "src/net/tls.h": '// Why.\n#pragma once\n#include "net/inner/word.h"\n',
            "docs/ARCHITECTURE.md": GOOD["docs/ARCHITECTURE.md"] + "| net/inner | – |\n",
        }, ("src/net/tls.h", "arrows"))

    def test_a_test_may_use_support_and_its_libraries_and_a_source_may_not(self):
        cmake = "room(NAME base HEADERS words.h SOURCES words.cc TESTS words_test.cc TEST_LIBRARIES room_net)\n"
        test = '#include "net/tls.h"\n#include "support/paths.h"\nTEST(Bytes, AreCounted) {}\n'
        source = '#include "support/paths.h"\n'
        self.check({"src/base/CMakeLists.txt": cmake, "src/base/words_test.cc": test})
        self.check({"src/base/CMakeLists.txt": cmake, "src/base/words.cc": source}, ("src/base/words.cc", "arrows"))

    def test_an_arrow_that_the_page_does_not_know_is_found(self):
        table = ARROWS + "| base | – |\n| net | – |\n"
        self.check({"docs/ARCHITECTURE.md": table}, ("src/net/CMakeLists.txt", "arrows"))

    def test_an_arrow_that_only_the_page_knows_is_found(self):
        table = ARROWS + "| base | net |\n| net | base |\n"
        self.check({"docs/ARCHITECTURE.md": table}, ("docs/ARCHITECTURE.md", "arrows"))

    def test_a_room_without_a_row_and_a_row_without_a_room_are_found(self):
        self.check({"docs/ARCHITECTURE.md": ARROWS + "| base | – |\n| attic | – |\n"},
                   ("docs/ARCHITECTURE.md", "arrows"), ("src/net/CMakeLists.txt", "arrows"))

    def test_a_cycle_is_found(self):
        self.check({
            "src/base/CMakeLists.txt": GOOD["src/base/CMakeLists.txt"].replace(")", " MAY_INCLUDE net)"),
            "docs/ARCHITECTURE.md": ARROWS + "| base | net |\n| net | base |\n",
        }, ("src/base/CMakeLists.txt", "arrows"))

    def test_short_names_in_the_table_mean_the_room_with_that_last_word(self):
        self.check({
            "src/attestation/evidence/CMakeLists.txt": "room(NAME attestation/evidence HEADERS word.h)\n",
            "src/attestation/evidence/word.h": "// Why.\n#pragma once\n",
            "src/net/CMakeLists.txt": "room(NAME net HEADERS tls.h MAY_INCLUDE base attestation/evidence)\n",
            "docs/ARCHITECTURE.md": ARROWS + "| base | – |\n| net | base, evidence |\n| attestation/evidence | – |\n",
        })

    def test_foreign_names_stand_only_where_they_may(self):
        self.check({"src/base/words.cc": "#include <openssl/evp.h>\n"}, ("src/base/words.cc", "foreign-name"))
        self.check({"src/base/words.cc": "ov::Core core;\n"}, ("src/base/words.cc", "foreign-name"))
        self.check({"src/base/words.cc": "// Unlike ov::Core, this is small.\n"})

    def test_a_source_without_a_test_is_found(self):
        self.check({"src/base/words_test.cc": None, "docs/CLAIMS.md": None}, ("src/base/words.cc", "test-beside"))

    def test_a_test_of_the_room_that_includes_the_header_will_do(self):
        cmake = GOOD["src/base/CMakeLists.txt"].replace("words_test", "all_test")
        self.check({"src/base/CMakeLists.txt": cmake, "src/base/words_test.cc": None,
                    "src/base/all_test.cc": GOOD["src/base/words_test.cc"]})

    def test_a_file_that_cmake_does_not_name_is_found(self):
        self.check({"src/base/more.h": "// Why.\n#pragma once\n"}, ("src/base/more.h", "not-built"))

    def test_a_name_in_camel_case_is_found(self):
        self.check({"tools/DoIt.py": ""}, ("tools/DoIt.py", "file-name"))
        self.check({"python/blindai/__init__.py": "", "python/blindai/_client.py": ""})

    def test_a_header_without_its_why_is_found(self):
        self.check({"src/base/words.h": "#pragma once\n"}, ("src/base/words.h", "header-comment"))
        self.check({"src/base/words.h": "// Why.\n"}, ("src/base/words.h", "pragma-once"))

    def test_a_long_line_is_found_and_counted_in_characters(self):
        self.check({"src/base/words.cc": "// " + "é" * 117 + "\n"})
        self.check({"src/base/words.cc": "// " + "é" * 118 + "\n"}, ("src/base/words.cc", "line-length"))

    def test_leftovers_are_found(self):
        for line in ("// TO" "DO: later", "// int x = 3;", "// DoIt(x);", "// return x;", "  // if (x) {"):
            self.check({"src/base/words.cc": line + "\n"}, ("src/base/words.cc", "leftover"))
        self.check({"tools/x.py": "# print(x)\n"}, ("tools/x.py", "leftover"))

    def test_examples_and_prose_are_not_leftovers(self):
        for line in ("//   base::LogEvent(1).Emit();", "// It returns; nothing waits;", "// if it fails, stop."):
            self.check({"src/base/words.cc": line + "\n"})

    def test_build_output_is_found(self):
        self.check({"tools/x.pyc": "x"}, ("tools/x.pyc", "build-output"))

    def test_a_sleep_in_a_test_is_found_and_elsewhere_not(self):
        line = "  std::this_thread::sleep_for(1ms);\nTEST(Bytes, AreCounted) {}\n"
        self.check({"src/base/words_test.cc": line}, ("src/base/words_test.cc", "sleep"))
        self.check({"src/base/words.cc": line})

    def test_an_exception_needs_its_rule_and_a_reason(self):
        line = "  Sleep();  std::this_thread::sleep_for(1ms);  // tidy: allow {}\nTEST(Bytes, AreCounted) {{}}\n"
        self.check({"src/base/words_test.cc": line.format("sleep: the clock itself is tested")})
        for text in ("sleep", "sleep:", "leftover: wrong rule"):
            self.check({"src/base/words_test.cc": line.format(text)}, ("src/base/words_test.cc", "sleep"))

    def test_a_path_of_this_machine_and_a_registry_are_found(self):
        self.check({"docs/X.md": "see /ro" "ot/x\n"}, ("docs/X.md", "machine-path"))
        self.check({"docs/X.md": "from py" "pi.org\n"}, ("docs/X.md", "registry-host"))

    def test_text_in_logs_is_found_outside_the_programs(self):
        self.check({"src/net/tls.h": '// Why.\n#pragma once\nLogEvent("x").OperatorText("a", b);\n'},
                   ("src/net/tls.h", "log-text"))
        self.check({"src/net/tls.h": '// Why.\n#pragma once\nstd::cerr << b;\n'}, ("src/net/tls.h", "log-text"))

    def test_a_claim_whose_test_is_missing_is_found(self):
        table = "| claim | tests |\n|---|---|\n"
        self.check({"docs/CLAIMS.md": table + "| counted | `Bytes.AreWeighed` |\n"}, ("docs/CLAIMS.md", "claim"))
        self.check({"docs/CLAIMS.md": table + "| counted | trust us |\n"}, ("docs/CLAIMS.md", "claim"))
        self.check({"docs/CLAIMS.md": table + "| counted | `tests/x_test.py::test_y` |\n",
                    "tests/x_test.py": "def test_y():\n    pass\n"})

    def test_a_fuzz_target_without_seeds_is_found(self):
        target = {"fuzz/base_bytes_fuzz.cc": "// rooms: base\n", "fuzz/canary_fuzz.cc": "// rooms: base\n"}
        self.check(target, ("fuzz/base_bytes_fuzz.cc", "fuzz-seeds"))
        self.check({**target, "fuzz/corpus/base_bytes_fuzz/one": "1"})

    def test_a_link_to_nowhere_is_found(self):
        self.check({"docs/X.md": "[y](Y.md)\n"}, ("docs/X.md", "link"))
        self.check({"docs/X.md": "[y](CLAIMS.md#top) [z](https://example.org)\n"})


if __name__ == "__main__":
    unittest.main()
