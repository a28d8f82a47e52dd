"""The house's dataclasses behave as the standard library's: the same classes, made both ways, compared."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from ionto_ir import dataclass as house

HOUSE, STANDARD = house.dataclass, dataclasses.dataclass


def _family(make: Any, field: Any) -> dict[str, type]:
    @make(frozen=True, slots=True)
    class Point:
        """Two numbers."""

        x: int
        y: int = 7

        def shifted(self) -> int:
            return self.x + 1

    @make(frozen=True, slots=True)
    class Single:
        only: str

    @make(frozen=True, slots=True)
    class Empty:
        pass

    @make(slots=True)
    class Open:
        name: str
        seen: list[int] = field(default_factory=list)
        shared: ClassVar[int] = 3

    @make(frozen=True, slots=True)
    class Derived:
        base: int
        note: str = field(default="", compare=False, repr=False)
        double: int = field(init=False, compare=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "double", 2 * self.base)

    return {kind.__name__: kind for kind in (Point, Single, Empty, Open, Derived)}


FAMILIES = {"house": _family(HOUSE, house.field), "standard": _family(STANDARD, dataclasses.field)}


@pytest.fixture(params=sorted(FAMILIES))
def family(request: pytest.FixtureRequest) -> dict[str, type]:
    """Every test below holds for both."""
    return FAMILIES[request.param]


def test_values_are_taken_by_place_and_by_name_and_defaults_fill_the_rest(family: dict[str, type]) -> None:
    point = family["Point"]
    assert (point(1).x, point(1).y, point(y=2, x=1).y, point(1, 2).shifted()) == (1, 7, 2, 2)


@pytest.mark.parametrize("call", [lambda p: p(), lambda p: p(1, 2, 3), lambda p: p(1, x=1), lambda p: p(z=1)])
def test_a_wrong_call_is_refused(family: dict[str, type], call: Callable[[type], object]) -> None:
    with pytest.raises(TypeError, match=r"__init__\(\)"):
        call(family["Point"])


def test_equality_is_by_class_and_by_value(family: dict[str, type]) -> None:
    point, single, empty = family["Point"], family["Single"], family["Empty"]
    assert point(1) == point(1, 7) != point(2)
    assert single("a") != point(1)
    assert single("a") == single("a") != single("b")
    assert empty() == empty()


def test_fields_left_out_of_comparison_do_not_count(family: dict[str, type]) -> None:
    derived = family["Derived"]
    assert derived(1, "a") == derived(1, "b")
    assert hash(derived(1, "a")) == hash(derived(1, "b"))


def test_frozen_ones_have_a_hash_and_open_ones_have_none(family: dict[str, type]) -> None:
    assert len({family["Point"](1), family["Point"](1), family["Point"](2), family["Single"]("x")}) == 3
    with pytest.raises(TypeError, match="unhashable"):
        hash(family["Open"]("a"))


def test_frozen_ones_cannot_be_changed(family: dict[str, type]) -> None:
    point = family["Point"](1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.x = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del point.x
    assert point.x == 1


def test_open_ones_can_be_changed_but_get_no_new_attributes(family: dict[str, type]) -> None:
    open_ = family["Open"]("a")
    open_.name = "b"
    assert open_.name == "b"
    with pytest.raises(AttributeError):
        open_.other = 1
    assert not hasattr(open_, "__dict__")


def test_a_factory_makes_a_new_value_for_every_instance(family: dict[str, type]) -> None:
    first, second = family["Open"]("a"), family["Open"]("b", [5])
    first.seen.append(1)
    assert (first.seen, second.seen, family["Open"]("c").seen, first.shared) == ([1], [5], [], 3)


def test_what_is_no_parameter_is_computed_afterwards(family: dict[str, type]) -> None:
    assert family["Derived"](4).double == 8
    with pytest.raises(TypeError):
        family["Derived"](4, "", 8)


def test_patterns_match_by_place(family: dict[str, type]) -> None:
    point = family["Point"]
    match point(3, 4):
        case point(x, y):
            assert (x, y) == (3, 4)
        case _:
            pytest.fail("no match")
    assert family["Derived"].__match_args__ == ("base", "note")


def test_copies_are_equal_and_pickles_are_read_back(family: dict[str, type]) -> None:
    derived = family["Derived"](2, "note")
    for twin in (copy.copy(derived), copy.deepcopy(derived)):
        assert (twin.base, twin.note, twin.double) == (2, "note", 4)


def test_replace_changes_what_is_named_and_keeps_the_rest() -> None:
    for replace, kinds in ((house.replace, FAMILIES["house"]), (dataclasses.replace, FAMILIES["standard"])):
        changed = replace(kinds["Derived"](2, "note"), base=5)
        assert (changed.base, changed.note, changed.double) == (5, "note", 10)


@pytest.mark.parametrize("name", sorted(FAMILIES["house"]))
def test_the_standard_tools_see_the_same_in_both(name: str) -> None:
    ours, theirs = FAMILIES["house"][name], FAMILIES["standard"][name]
    assert dataclasses.is_dataclass(ours)
    assert house.is_dataclass(ours)
    for ours_found, theirs_found in zip(dataclasses.fields(ours), dataclasses.fields(theirs), strict=True):
        for attribute in ("name", "type", "init", "repr", "compare"):
            assert getattr(ours_found, attribute) == getattr(theirs_found, attribute)
    assert [found.name for found in house.fields(ours)] == [
        found.name for found in dataclasses.fields(theirs)
    ]
    assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)
    assert ours.__slots__ == theirs.__slots__
    assert ours.__qualname__ == theirs.__qualname__


@pytest.mark.parametrize(
    ("name", "values"),
    [("Point", (1, 2)), ("Single", ("x",)), ("Empty", ()), ("Open", ("x", [1])), ("Derived", (2, "n"))],
)
def test_both_are_shown_alike(name: str, values: tuple[object, ...]) -> None:
    assert repr(FAMILIES["house"][name](*values)) == repr(FAMILIES["standard"][name](*values))


def test_a_span_survives_a_pickle() -> None:
    from ionto_ir.source import Span

    span = Span("a.ionto", 1, 2, 3, 4)
    assert pickle.loads(pickle.dumps(span)) == span


def test_a_default_that_would_be_shared_is_refused() -> None:
    with pytest.raises(AssertionError, match="would be shared"):

        @HOUSE(slots=True)
        class Shared:
            seen: list[int] = []  # noqa: RUF012 - the mistake under test
