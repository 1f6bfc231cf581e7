"""tools/speech_score.py: known cases, and NIST's sclite (Debian's package sctk) on random texts."""

import pathlib
import random
import re
import subprocess
import tempfile
import unittest

import speech_score
from speech_score import Score

SCLITE = pathlib.Path("/usr/lib/sctk/bin/sclite")


class KnownCases(unittest.TestCase):
    def test_the_same_text_has_no_errors(self):
        self.assertEqual(speech_score.words("Hello, world!", "HELLO WORLD"), Score(0, 0, 0, 2))

    def test_each_kind_of_error_is_counted(self):
        self.assertEqual(speech_score.words("a b c d", "a x c d"), Score(1, 0, 0, 4))
        self.assertEqual(speech_score.words("a b c d", "a c d"), Score(0, 1, 0, 4))
        self.assertEqual(speech_score.words("a b c d", "a b y c d"), Score(0, 0, 1, 4))

    def test_empty_texts(self):
        self.assertEqual(speech_score.words("", "a b"), Score(0, 0, 2, 0))
        self.assertEqual(speech_score.words("a b", ""), Score(0, 2, 0, 2))
        self.assertEqual(speech_score.words("", "").rate, 0)
        self.assertEqual(speech_score.words("", "a").rate, 1)

    def test_errors_of_a_corpus_are_added_up(self):
        both = speech_score.words("a", "b") + speech_score.words("a b c", "a b c")
        self.assertEqual((both.errors, both.total, both.rate), (1, 4, 0.25))

    def test_what_is_said_is_compared_whatever_is_written(self):
        self.assertEqual(speech_score.spoken_words("mister dashwood has ten of clubs", "Mr. Dashwood has 10 of clubs."),
                         Score(0, 0, 0, 6))
        self.assertEqual(speech_score.spoken_words("rather cold hearted", "rather cold-hearted").errors, 0)
        self.assertEqual(speech_score.spoken_words("rather cold hearted", "rather coldhearted").errors, 0)
        self.assertEqual(speech_score.spoken_words("ill disposed young man", "old-sposed young man").errors, 2)
        self.assertEqual(speech_score.spoken_words("four queen of clubs", "4. Queen of Clothes").errors, 1)

    def test_a_word_of_the_reference_is_never_taken_apart(self):
        self.assertEqual(speech_score.spoken_words("in to into", "into").errors, 2)

    def test_numbers_are_read_out(self):
        for digits, said in (("0", "zero"), ("13", "thirteen"), ("40", "forty"), ("21", "twenty one"),
                             ("105", "one hundred five"), ("90017", "ninety thousand seventeen")):
            self.assertEqual(speech_score.spoken_words(said, digits).errors, 0)
        self.assertGreater(speech_score.spoken_words("ten", "11").errors, 0)
        self.assertEqual(speech_score.spoken_words("1234567", "1234567").errors, 0)

    def test_characters(self):
        self.assertEqual(speech_score.characters("ab c", "ab d"), Score(1, 0, 0, 4))


@unittest.skipUnless(SCLITE.exists(), "SKIPPED: sclite is not installed (package sctk)")
class AgainstSclite(unittest.TestCase):
    def test_the_counts_are_sclites(self):
        draw = random.Random(5)
        texts = []
        for _ in range(300):
            said = [draw.choice("abcdefg") for _ in range(draw.randint(1, 25))]
            heard = []
            for word in said:
                kind = draw.random()
                heard += [word] if kind < 0.6 else [draw.choice("abcdefg")] if kind < 0.75 else \
                    [] if kind < 0.87 else [word, draw.choice("abcdefg")]
            texts.append((said, heard))
        with tempfile.TemporaryDirectory() as folder:
            for name, column in (("ref", 0), ("hyp", 1)):
                lines = [f"{' '.join(pair[column])} (s_{number:04})\n" for number, pair in enumerate(texts)]
                pathlib.Path(folder, name).write_text("".join(lines))
            report = subprocess.run(
                [SCLITE, "-r", f"{folder}/ref", "trn", "-h", f"{folder}/hyp", "trn", "-i", "rm", "-o", "pralign",
                 "stdout"], check=True, capture_output=True, text=True).stdout
        scores = re.findall(r"^id: \(s_(\d+)\)\nScores: \(#C #S #D #I\) (\d+) (\d+) (\d+) (\d+)$", report, re.M)
        self.assertEqual(len(scores), len(texts))
        for number, correct, *theirs in scores:
            said, heard = texts[int(number)]
            ours = speech_score.score(said, heard)
            self.assertEqual([ours.substitutions, ours.deletions, ours.insertions], [int(count) for count in theirs],
                             (said, heard))
            self.assertEqual(ours.total - ours.substitutions - ours.deletions, int(correct))


if __name__ == "__main__":
    unittest.main()
