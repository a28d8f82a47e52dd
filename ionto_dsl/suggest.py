"""Which known word somebody probably meant, by the number of slips between the two."""

from __future__ import annotations

from collections.abc import Iterable

WORD_LENGTH_MAX = 60
"""Longer words get no suggestion: nobody slips only once or twice in them, and comparing is quadratic."""
CANDIDATES_MAX = 5_000
"""A file with more names than this is not read by people either."""


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The closest candidate, or None when none is close."""
    found = near(word, candidates, most=1)
    return found[0] if found else None


def near(word: str, candidates: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """Up to `most` candidates within a third of the word's length in slips, the closest first, then by
    alphabet.

    A slip is a letter too many, a letter missing, a wrong letter, or two neighbours swapped. Capitals are no
    slip, but of two candidates the one with the same capitals comes first. Words of two letters are near to
    everything, therefore to nothing.
    """
    assert most >= 1
    if len(word) > WORD_LENGTH_MAX:
        return ()
    allowed = (len(word) + 1) // 3 if len(word) > 2 else 0
    scored: list[tuple[int, int, str]] = []
    for candidate in list(dict.fromkeys(candidates))[:CANDIDATES_MAX]:
        if candidate == word or abs(len(candidate) - len(word)) > allowed:
            continue
        distance = slips(word.lower(), candidate.lower(), allowed)
        if distance <= allowed and distance < max(len(word), len(candidate)):
            scored.append((distance, slips(word, candidate, WORD_LENGTH_MAX), candidate))
    return tuple(candidate for _, _, candidate in sorted(scored)[:most])


def slips(left: str, right: str, most: int) -> int:
    """The Damerau-Levenshtein distance (neighbours swapped at most once), or `most + 1` if above `most`."""
    if abs(len(left) - len(right)) > most:
        return most + 1
    before: list[int] = []
    previous = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        current = [i]
        for j, b in enumerate(right, 1):
            best = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                best = min(best, before[j - 2] + 1)
            current.append(best)
        if min(current) > most:
            return most + 1
        before, previous = previous, current
    return min(previous[-1], most + 1)
