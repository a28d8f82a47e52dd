"""Tables that give a recorded value its meaning: no gap and no overlap, on the whole real range."""

from __future__ import annotations

from itertools import pairwise

from ionto_dsl import surface
from ionto_dsl.operands import constant
from ionto_dsl.scope import Scope
from ionto_dsl.variables_of import dimension_called
from ionto_dsl.wording import base_in_unit, kind_of, written
from ionto_ir.diagnostic import Label, error
from ionto_ir.plan import ClassRow, IntegerDomain
from ionto_ir.units import Dimension

ROWS_MAX = 200
"""Rows of one table: what fits on a few pages."""


def classify_rows(item: surface.Classify, domain: IntegerDomain, scope: Scope) -> tuple[ClassRow, ...] | None:
    """The rows from the lowest to the highest; None after an error."""
    dimension = dimension_called(domain.dimension)
    count = len(scope.found)
    if not item.rows:
        message = f"the table of `{item.subject.text}` has no rows"
        scope.found.append(error("I0441", message, item.span, "every value must have a meaning"))
        return None
    if len(item.rows) > ROWS_MAX:
        message = f"a table has at most {ROWS_MAX} rows"
        scope.found.append(error("I0461", message, item.rows[ROWS_MAX].span, "one too many"))
        return None
    rows = [row for part in item.rows if (row := _row(part, dimension, scope)) is not None]
    if len(scope.found) > count:
        return None
    rows.sort(key=lambda row: (row.lo is not None, row.lo or 0, not row.lo_included))
    _check_ends(rows, item, domain, dimension, scope)
    for row, following in pairwise(rows):
        _check_pair(row, following, dimension, domain.unit, scope)
    return None if len(scope.found) > count else tuple(rows)


def _row(row: surface.Row, dimension: Dimension, scope: Scope) -> ClassRow | None:
    place = f"a row of this table begins and ends with {kind_of(dimension)}"
    low = high = None
    if row.low is not None:
        low = constant(row.low.value, dimension, scope, place)
        if low is None:
            return None
    if row.high is not None:
        high = constant(row.high.value, dimension, scope, place)
        if high is None:
            return None
    low_in = row.low is not None and row.low.inclusive
    high_in = row.high is not None and row.high.inclusive
    if low is not None and high is not None and (low > high or (low == high and not (low_in and high_in))):
        ends = [part.value for part in (row.low, row.high) if part is not None]
        message = f"the row from `{written(ends[0])}` to `{written(ends[1])}` is empty"
        scope.found.append(error("I0403", message, row.span, "no value lies in it"))
        return None
    return ClassRow(low, low_in, high, high_in, row.meaning.value, row.span)


def _check_ends(
    rows: list[ClassRow], item: surface.Classify, domain: IntegerDomain, dimension: Dimension, scope: Scope
) -> None:
    first, last = rows[0], rows[-1]
    if first.lo is not None and (domain.lo < first.lo or (domain.lo == first.lo and not first.lo_included)):
        _gap(f"from {base_in_unit(domain.lo, dimension, domain.unit)} on", first, item, scope)
    if last.hi is not None and (domain.hi > last.hi or (domain.hi == last.hi and not last.hi_included)):
        _gap(f"up to {base_in_unit(domain.hi, dimension, domain.unit)}", last, item, scope)


def _gap(where: str, row: ClassRow, item: surface.Classify, scope: Scope) -> None:
    scope.found.append(
        error(
            "I0441",
            f"the table of `{item.subject.text}` does not reach as far as the values do: {where}",
            row.span,
            "the outermost row",
            help="leave the end open: begin with `< ...`, end with `>= ...`",
        )
    )


def _check_pair(row: ClassRow, following: ClassRow, dimension: Dimension, unit: str, scope: Scope) -> None:
    """Neighbours must meet: one of them includes the value at which the other one ends."""
    end, begin = row.hi, following.lo
    if (
        end is None
        or begin is None
        or end > begin
        or (end == begin and row.hi_included and following.lo_included)
    ):
        values = "" if end is None or begin is None else f": {_between(begin, end, dimension, unit)}"
        scope.found.append(
            error(
                "I0442",
                f"two rows of this table overlap{values}",
                following.span,
                "overlaps the row before it",
                labels=(Label(row.span, "this row"),),
                help="let one row end with `<` the value at which the other one begins",
            )
        )
    elif end < begin or not (row.hi_included or following.lo_included):
        what = (
            f"exactly {base_in_unit(end, dimension, unit)}"
            if end == begin
            else _between(end, begin, dimension, unit)
        )
        scope.found.append(
            error(
                "I0441",
                f"this table has a gap: {what} has no meaning",
                following.span,
                "begins too late",
                labels=(Label(row.span, "ends too early"),),
                help="one of the two rows must include the value at which they meet: `<=` or `>=`",
            )
        )


def _between(low: int, high: int, dimension: Dimension, unit: str) -> str:
    first, last = base_in_unit(low, dimension, unit), base_in_unit(high, dimension, unit)
    return f"exactly {first}" if low == high else f"between {first} and {last}"
