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


def characters(reference, hypothesis):
    return score(normalised(reference), normalised(hypothesis))
