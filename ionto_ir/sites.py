"""Sites of the body as envelopes and electrodes name them: the same words, whatever the side."""

from __future__ import annotations

SIDES = frozenset({"left", "right", "both"})
"""Words that say which of two, and not what."""


def site_words(site: str) -> tuple[str, ...]:
    """The words that say what a site is: `Left palm` and `palm` are the same one."""
    words = site.casefold().replace(",", " ").split()
    return tuple(word for word in words if word not in SIDES)


def same_site(one: str, other: str) -> bool:
    """Whether two texts name the same site. Nothing is guessed: `heel` is not `plantar heel`."""
    words = site_words(one)
    return bool(words) and words == site_words(other)
