"""Exit codes: what CI and scripts read off a run."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """One code for each kind of outcome; the worst one wins when several protocols are judged."""

    PROVED = 0  # also: the command did what it was asked
    REFUTED = 1  # also: a test failed, a session ended by a fault
    SOURCE = 2  # the source, the plan or a value given has errors
    UNDECIDED = 3  # vacuous or undecided
    USAGE = 4  # the command line itself
    DISAGREEMENT = 5  # two of our own parts contradict each other: our bug


# Which outcome wins when there are several: our own bugs first, then errors, then verdicts.
_GRAVITY = (Exit.DISAGREEMENT, Exit.USAGE, Exit.SOURCE, Exit.REFUTED, Exit.UNDECIDED, Exit.PROVED)


def gravest(outcomes: list[Exit]) -> Exit:
    """The outcome that decides the exit code; PROVED when there are none."""
    return next((exit_ for exit_ in _GRAVITY if exit_ in outcomes), Exit.PROVED)
