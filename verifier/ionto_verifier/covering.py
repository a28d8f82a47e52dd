"""Whether one limit holds at least wherever another one does, whatever their numbers are."""

from __future__ import annotations

from ionto_ir.limits import Limit


def covers(other: Limit, limit: Limit) -> bool:
    """Whether `other`, with the same number, would forbid all that `limit` forbids."""
    same = (other.kind, other.window_ms) == (limit.kind, limit.window_ms)
    everywhere = other.role is None or other.role is limit.role
    everything = limit.per_site or not other.per_site
    # A limit that counts the accuracy holds of the set value too; a hard one does all that a soft one does.
    as_strong = (limit.nominal or not other.nominal) and (limit.soft or not other.soft)
    # One that does not count people is weaker, and so is a soft one that somebody else may pass.
    as_strict = (limit.apart or not other.apart) and (not other.soft or other.needs in (limit.needs, None))
    if limit.needs is not None and other.soft:
        as_strict = as_strict and other.needs == limit.needs
    return same and everywhere and everything and as_strong and as_strict
