"""Errors of a transcript against what was said: substitutions, deletions, insertions and the words there are.

Words are aligned with the costs of NIST's sclite (4 for a substitution, 3 for a deletion or an insertion), so that the
split into the three is sclite's too; tools/speech_score_test.py compares them. A corpus is scored by adding up errors
and words, never by the mean of its files.
"""

from dataclasses import dataclass

SUBSTITUTION, DELETION, INSERTION = 4, 3, 3


@dataclass
class Score:
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    total: int = 0  # words, or characters, of the reference

    @property
    def errors(self):
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self):
        return self.errors / self.total if self.total else float(self.errors > 0)

    def __add__(self, other):
        return Score(self.substitutions + other.substitutions, self.deletions + other.deletions,
                     self.insertions + other.insertions, self.total + other.total)

    def __str__(self):
        return (f"{100 * self.rate:5.1f} %  (S {self.substitutions}, D {self.deletions}, I {self.insertions}, "
                f"N {self.total})")


def align(reference, hypothesis):
    """The cheapest alignment as pairs (reference or None, hypothesis or None)."""
    columns = len(hypothesis) + 1
    costs = [[INSERTION * column for column in range(columns)]]
    for row, said in enumerate(reference, 1):
        above, line = costs[-1], [DELETION * row]
        for column, heard in enumerate(hypothesis, 1):
            line.append(min(above[column - 1] + (0 if said == heard else SUBSTITUTION), above[column] + DELETION,
                            line[-1] + INSERTION))
        costs.append(line)
    pairs, row, column = [], len(reference), len(hypothesis)
    while row or column:
        same = row and column and reference[row - 1] == hypothesis[column - 1]
        if row and column and costs[row][column] == costs[row - 1][column - 1] + (0 if same else SUBSTITUTION):
            row, column = row - 1, column - 1
            pairs.append((reference[row], hypothesis[column]))
        elif column and costs[row][column] == costs[row][column - 1] + INSERTION:
            column -= 1
            pairs.append((None, hypothesis[column]))
        else:
            row -= 1
            pairs.append((reference[row], None))
    return pairs[::-1]


def score(reference, hypothesis):
    """Of two sequences: words, or characters."""
    counted = Score(total=len(reference))
    for said, heard in align(reference, hypothesis):
        if said is None:
            counted.insertions += 1
        elif heard is None:
            counted.deletions += 1
        elif said != heard:
            counted.substitutions += 1
    return counted


def normalised(text):
    """Upper case, letters, digits and apostrophes only, one space between words: no more, so that fillers count."""
    kept = "".join(character if character.isalnum() or character == "'" else " " for character in text.upper())
    return " ".join(kept.split())


def words(reference, hypothesis):
    return score(normalised(reference).split(), normalised(hypothesis).split())


SMALL = ("ZERO ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE TEN ELEVEN TWELVE THIRTEEN FOURTEEN FIFTEEN SIXTEEN "
         "SEVENTEEN EIGHTEEN NINETEEN").split()
TENS = "TWENTY THIRTY FORTY FIFTY SIXTY SEVENTY EIGHTY NINETY".split()
TITLES = {"MR": "MISTER", "MRS": "MISSUS", "DR": "DOCTOR", "ST": "SAINT"}


def number_words(number):
    """0 to 999,999 as it is read out."""
    if number >= 1000:
        return number_words(number // 1000) + ["THOUSAND"] + (number_words(number % 1000) if number % 1000 else [])
    if number >= 100:
        return [SMALL[number // 100], "HUNDRED"] + (number_words(number % 100) if number % 100 else [])
    if number >= 20:
        return [TENS[number // 10 - 2]] + ([SMALL[number % 10]] if number % 10 else [])
    return [SMALL[number]]


def spoken(text):
    """The words of a written text as they are said: digits and titles are read out, marks are not."""
    said = []
    for word in normalised(text).split():
        if word.isascii() and word.isdigit() and len(word) <= 6:
            said += number_words(int(word))
        else:
            said.append(TITLES.get(word, word))
    return said


def spoken_words(reference, hypothesis):
    """As `words`, between what is said: for models that write digits, titles and marks. Two neighbours in the
    reference that were written as one word are two words: how a compound is written cannot be heard."""
    said, heard = spoken(reference), []
    pairs = {first + second: (first, second) for first, second in zip(said, said[1:])}
    for word in spoken(hypothesis):
        heard += [word] if word in said else pairs.get(word, [word])
    return score(said, heard)


def characters(reference, hypothesis):
    return score(normalised(reference), normalised(hypothesis))
