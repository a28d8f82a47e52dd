"""Comparing two plans: the gravest change is found, shown by a session, and nothing is the same by chance."""

from __future__ import annotations

from pathlib import Path

import pytest

import ionto_protocols
from ionto_dsl.driver import compile_text
from ionto_ir.plan import Plan
from ionto_verifier.aspects import Aspect, Change
from ionto_verifier.comparison import compare

SOURCE = (
    Path(ionto_protocols.__file__).parent / "treatments" / "plantar_fasciitis_dexamethasone.ionto"
).read_text(encoding="utf-8")
QUESTION = 'ask tired: yes/no "Tired?"\n  refuse when tired "Come back rested"\n\n  before {'


def plan(*edits: tuple[str, str]) -> Plan:
    """The shipped treatment with some of its text replaced."""
    text = SOURCE
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    compilation = compile_text(text)
    assert compilation.ok, [item.message for item in compilation.diagnostics]
    return compilation.plans[0].plan


def changes(old: Plan, new: Plan) -> dict[str, Aspect]:
    """What changed, by its subject."""
    return {item.subject: item for item in compare(old, new).aspects if item.change is not Change.SAME}


def test_a_plan_is_identical_to_itself_and_to_one_that_only_reads_differently() -> None:
    assert compare(plan(), plan()).identical
    renamed = plan(
        ("Plantar fasciitis: dexamethasone phosphate", "Heel"), ("Skin is clean", "The skin is clean")
    )
    assert compare(plan(), renamed).identical
    assert compare(plan(), renamed).exit_code == 0


@pytest.mark.parametrize(
    ("edit", "subject"),
    [
        (("1 mA .. 4 mA", "1 mA .. 4.1 mA"), "parameter current"),
        (("interruptions at most 3", "interruptions at most 4"), "interruptions"),
        (("each at most 5 min", "each at most 6 min"), "length of a pause"),
        (("ramp to current over 30 s", "ramp to current over 5 s"), "steepest ramp"),
        (("20 mA.min .. 40 mA.min", "20 mA.min .. 41 mA.min"), "charge of a session"),
        (("param current", "adjustable param current"), "parameter current"),
        (("every 2 days", "every 1 days"), "sessions in any 7 d"),
    ],
)
def test_whatever_admits_more_is_found(edit: tuple[str, str], subject: str) -> None:
    old, new = plan(), plan(edit)
    looser = changes(old, new)
    assert looser[subject].change is Change.LOOSER
    assert compare(old, new).exit_code == 1
    back = changes(new, old).get(subject)
    assert back is None or back.change in (Change.STRICTER, Change.UNDECIDED)


def test_a_question_more_admits_fewer_and_one_less_is_shown_by_a_person() -> None:
    careful = plan(("before {", QUESTION))
    assert compare(plan(), careful).change is Change.STRICTER
    gone = changes(careful, plan())["refusal: Come back rested"]
    assert gone.change is Change.LOOSER
    assert gone.witness is not None
    assert gone.witness.told == (("tired", "yes"),)
    assert gone.witness.old.startswith("refuses")
    assert gone.witness.new.startswith("treats")


def test_a_larger_worst_case_is_shown_by_a_session() -> None:
    found = changes(plan(), plan(("20 mA.min .. 40 mA.min", "20 mA.min .. 41 mA.min")))["charge of a session"]
    assert found.witness is not None
    assert ("prescribed", "41 mA.min") in found.witness.told
    assert found.witness.old.startswith("refuses")


def test_where_bounds_are_too_coarse_nothing_is_claimed() -> None:
    """The same steps for more people: which of two equal bounds is passed first is not known."""
    careful = plan(("before {", QUESTION))
    found = changes(careful, plan())
    assert {item.change for item in found.values()} <= {Change.LOOSER, Change.UNDECIDED}


WATCH = 'pause when impedance > 50 kOhm for 2 s until impedance < 30 kOhm "Check contact"'


def watching(line: str) -> Plan:
    """The shipped treatment with a monitor."""
    return plan(("interruptions at most 3", f"{line}\n  interruptions at most 3"))


def test_a_monitor_that_is_gone_or_waits_longer_admits_more() -> None:
    subject = "monitor Check contact"
    watched, patient = watching(WATCH), watching(WATCH.replace("for 2 s", "for 3 s"))
    assert changes(watched, plan())[subject].change is Change.LOOSER
    assert changes(watched, patient)[subject].change is Change.LOOSER
    assert changes(patient, watched)[subject].change is Change.STRICTER
    assert changes(plan(), watched)[f"new {subject}"].change is Change.STRICTER
    other = watching(WATCH.replace("50 kOhm", "60 kOhm"))
    assert changes(watched, other)[subject].change is Change.LOOSER
    warning = 'warn when charge > 20 mA.min "Check contact"'
    assert changes(watching(warning), plan())[subject].change is Change.OTHER
