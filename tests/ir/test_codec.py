"""Plans are written exactly, read strictly, and published with a schema that is in step."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionto_ir.canonical import Json, canonical, read_json
from ionto_ir.codec import plan_from_json, plan_to_json, scenario_from_json, scenario_to_json
from ionto_ir.codec_read import Reader
from ionto_ir.codec_schema import plan_schema, scenario_schema
from ionto_ir.codec_shape import record_shape
from ionto_ir.codec_write import write
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.diagnostic import Diagnostic
from ionto_ir.expression import EXPRESSION_DEPTH_MAX
from ionto_ir.plan import Plan
from ionto_ir.scenario import Expectation, Expected, Happening, Occurrence, Scenario
from tests.strategies import plans
from tests.treatments import BENCH, HERE, Fixed, Keep, Leg, Move, Over, Rest, Treatment, plan_of

ROOT = Path(__file__).resolve().parents[2]
SIMPLE = plan_of(
    Treatment((Leg(Move(Fixed(1_000_000), Over(10_000)), (Keep("time", 5_000),), Over(10_000)), Rest(2_000)))
)


def written(plan: Plan = SIMPLE) -> dict[str, Json]:
    """A copy of the JSON that a test may spoil."""
    return copy.deepcopy(plan_to_json(plan))


def refusals(found: Json) -> tuple[Diagnostic, ...]:
    """The reasons to refuse, of which there must be some."""
    result = plan_from_json(found)
    assert isinstance(result, tuple)
    assert result
    return result


def step_of(found: dict[str, Json], index: int) -> dict[str, Json]:
    """A step of the written plan."""
    steps = found["steps"]
    assert isinstance(steps, list)
    step = steps[index]
    assert isinstance(step, dict)
    return step


@given(plans())
def test_what_is_written_is_read_back_exactly(plan: Plan) -> None:
    data = canonical(plan_to_json(plan))
    assert plan_from_json(_json(data)) == plan
    assert canonical(plan_to_json(plan)) == data


def _json(data: bytes) -> Json:
    found = read_json(data)
    assert isinstance(found, dict)
    return found


@given(plans())
def test_every_written_plan_is_valid_under_the_published_schema(plan: Plan) -> None:
    jsonschema.Draft202012Validator(plan_schema()).validate(plan_to_json(plan))


def test_the_published_schema_is_in_step_with_the_dataclasses() -> None:
    published = ROOT / "docs" / "reference" / "plan.schema.json"
    expected = json.dumps(plan_schema(), indent=2, ensure_ascii=False) + "\n"
    assert published.read_text(encoding="utf-8") == expected, "run `make docs`"


def test_both_schemas_are_valid_schemas() -> None:
    jsonschema.Draft202012Validator.check_schema(plan_schema())
    jsonschema.Draft202012Validator.check_schema(scenario_schema())


def test_another_schema_version_is_refused_before_anything_else_is_looked_at() -> None:
    found = written() | {"schema": "ionto.plan/2", "steps": "nonsense"}
    (only,) = refusals(found)
    assert only.code == "I0821"
    assert "`ionto.plan/2`" in only.message


def test_a_feature_that_is_not_known_is_refused_by_name() -> None:
    found = written() | {"requires": ["hover", "loop"]}
    (only,) = refusals(found)
    assert only.code == "I0822"
    assert "`hover`" in only.message


def test_a_plan_that_does_not_say_what_it_requires_is_refused() -> None:
    found = written() | {"requires": ["loop"]}
    assert [problem.code for problem in refusals(found)] == ["I0822"]


@pytest.mark.parametrize("found", [None, 3, "plan", [], True])
def test_a_plan_is_an_object(found: Json) -> None:
    assert refusals(found)[0].code == "I0820"


PLAN_SHAPE = record_shape(Plan)


@pytest.mark.parametrize("field", [name for name, _ in PLAN_SHAPE.fields if name not in PLAN_SHAPE.defaults])
def test_every_field_of_a_plan_must_be_there(field: str) -> None:
    found = written()
    del found[field]
    assert any(f"`{field}`" in problem.message or problem.code == "I0821" for problem in refusals(found))


@dataclass(frozen=True, slots=True)
class Grown:
    """A record that had one field when plans of it were sealed."""

    first: int
    later: tuple[int, ...] = ()


def test_a_field_that_joined_later_is_left_out_when_it_says_nothing() -> None:
    shape = record_shape(Grown)
    reader = Reader({})
    for value, said in ((Grown(1), {"first": 1}), (Grown(1, (2,)), {"first": 1, "later": [2]})):
        assert write(shape, value) == said
        assert reader.read(shape, said, "") == value
    assert reader.problems == []
    assert not isinstance(reader.read(shape, {"first": 1, "later": []}, ""), Grown)
    assert [problem.place for problem in reader.problems] == ["later"]


def test_an_unknown_field_is_refused_wherever_it_stands() -> None:
    found = written()
    step_of(found, 0)["gentle"] = True
    (only,) = refusals(found)
    assert only.code == "I0820"
    assert "`steps[0]`" in only.message
    assert "`gentle`" in only.message


def test_an_unknown_kind_of_step_is_refused_and_the_known_ones_are_named() -> None:
    found = written()
    step_of(found, 1)["kind"] = "pulse"
    (only,) = refusals(found)
    assert "`pulse`" in only.message
    assert "hold" in only.message


@pytest.mark.parametrize("wrong", [1.5, "2", True, None, [], {}, 2**53])
def test_an_integer_must_be_one_and_one_that_json_keeps(wrong: object) -> None:
    found = written()
    found["stop_slew_na_s"] = wrong  # type: ignore[assignment]
    assert [problem.code for problem in refusals(found)] == ["I0820"]


def test_an_expression_is_written_compactly() -> None:
    found = written()
    assert step_of(found, 0)["target_na"] == 1_000_000
    assert step_of(found, 0)["start_na"] == 0


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("nobody", "`nobody` is not declared"),
        (["**", 2, 3], "`**` is not known"),
        ([], "is not known"),
        (["+", 1, True], "takes integers"),
        (["-", 1], "takes two integers"),
        (["if", True, 1], "takes a boolean and two of one sort"),
        (["+", 1, 2.5], "expected an expression"),
        (None, "expected an expression"),
        (["+", 1, {"a": 1}], "expected an expression"),
    ],
)
def test_an_expression_that_means_nothing_is_refused(expression: Json, said: str) -> None:
    found = written()
    step_of(found, 0)["target_na"] = expression
    assert any(said in problem.message for problem in refusals(found))


def test_an_expression_deeper_than_its_bound_is_refused() -> None:
    found = written()
    deep: Json = 1
    for _ in range(EXPRESSION_DEPTH_MAX):
        deep = ["neg", deep]
    step_of(found, 0)["target_na"] = deep
    assert any("nests deeper" in problem.message for problem in refusals(found))


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    found = written()
    found["span"] = ["a.ionto", 3, 1, 2, 9]
    assert "`span`" in refusals(found)[0].message


def test_a_plan_that_is_not_well_formed_is_not_handed_out() -> None:
    found = written()
    step_of(found, 0)["next"] = 99
    (only,) = refusals(found)
    assert only.code == "I0823"


def test_all_problems_are_told_each_with_its_place() -> None:
    found = written()
    found["title"] = 7
    step_of(found, 1)["next"] = "after"
    places = [problem.message.split("`")[1] for problem in refusals(found)]
    assert places == ["title", "steps[1].next"]


def test_messages_show_no_control_characters_of_a_hostile_file() -> None:
    found = written()
    step_of(found, 0)["kind"] = "\x1b[2Jramp"
    assert all(problem.message.isprintable() for problem in refusals(found))


def _places(found: Json) -> list[tuple[Json, str | int]]:
    """Every container of the JSON with each of its keys or indices."""
    places: list[tuple[Json, str | int]] = []
    pending = [found]
    while pending:
        part = pending.pop()
        keys: list[str | int] = [*part] if isinstance(part, dict) else []
        if isinstance(part, list):
            keys = [*range(len(part))]
        for key in keys:
            places.append((part, key))
            pending.append(part[key])  # type: ignore[index, call-overload]
    return places


_SPOILERS: st.SearchStrategy[Json] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.integers(-(2**64), 2**64),
    st.sampled_from(["", "ramp", "current", "+", "session"]),
    st.just([]),
    st.just({}),
)


@given(plans(), st.data())
def test_a_spoiled_plan_is_refused_or_read_as_exactly_what_it_says(plan: Plan, data: st.DataObject) -> None:
    found = written(plan)
    part, key = data.draw(st.sampled_from(_places(found)))
    part[key] = data.draw(_SPOILERS)  # type: ignore[index, call-overload]
    result = plan_from_json(found)
    if isinstance(result, Plan):
        assert plan_to_json(result) == found
    else:
        assert result
        assert all(problem.code.startswith("I082") for problem in result)


def test_a_plan_for_another_device_is_another_plan() -> None:
    other = replace(SIMPLE, device=replace(BENCH, name="other"))
    assert canonical(plan_to_json(other)) != canonical(plan_to_json(SIMPLE))


def test_a_scenario_is_read_back_exactly() -> None:
    scenario = Scenario(
        "lead off, then resumed",
        (("current", 2_000_000), ("pacemaker", False)),
        (
            Occurrence(5_000, Happening.LEAD_OFF, None, None, HERE),
            Occurrence(6_000, Happening.RESUME, None, None, None),
        ),
        (Expectation(Expected.DELIVERED, 40, None, None, "mA.min", HERE),),
        HERE,
    )
    assert scenario_from_json(scenario_to_json(scenario)) == scenario
    spoiled = scenario_to_json(scenario) | {"timeline": 3}
    result = scenario_from_json(spoiled)
    assert isinstance(result, tuple)
    assert result[0].code == "I0820"
