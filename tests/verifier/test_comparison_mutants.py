"""Every construct, loosened and tightened: a loosened one is shown by a witness, a tightened one never admits
more, and one that only reads differently is the same.
"""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import pytest

import ionto_protocols
from ionto_dsl.driver import compile_text
from ionto_dsl.formatter import format_source
from ionto_ir.course import Course, Phase, Rhythm
from ionto_ir.dataclass import replace
from ionto_ir.plan import Plan
from ionto_ir.source import SourceFile
from ionto_verifier.aspects import Change
from ionto_verifier.comparison import Comparison, compare
from ionto_verifier.comparison_schedule import Schedules
from tests.treatments import HERE

HEAD = """import envelopes.adult_skin
import screening.galvanic
import drugs.dexamethasone_phosphate
import electrodes.medium_patch
import electrodes.large_patch
import devices.clinic_dc_4ma

envelope ward {
  title "Ward"
  limit current <= 3 mA hazard H-BURN source "Ward"
  limit dose <= 60 mA.min in any 48 h hazard H-BURN source "Ward"
  soft limit dose <= 40 mA.min per session "Say why"
  exclude age < 16 yr hazard H-BURN
}
"""

BODY = """
protocol heel version "1.0.0" {
  title "Heel"
  indication "Heel pain"
  source "Made up for this test"
  within adult_skin
  within ward
  screen galvanic
  device clinic_dc_4ma
  active cathode medium_patch on "heel" with dexamethasone_phosphate 2.5 mL
  return anode large_patch on "calf"
  param current: 1 mA .. 2 mA = 2 mA step 0.1 mA "Set to comfort"
  param time: 5 min .. 10 min = 8 min step 1 min "How long"
  ask age: 0 yr .. 120 yr "Age" step 1 yr
  refuse when age < 18 yr "Adults only"
  caution when age > 80 yr "Thin skin"
  require current * time <= 18 mA.min "Not both at once"
  before { confirm "The skin is clean" }
  session {
    ramp to current over 30 s
    hold for time
    ramp to 0 mA over 30 s
  }
  stop at 0.4 mA/s
  interruptions at most 2, each at most 3 min
  after { record pain: 0 .. 10 step 1 "Pain" }
  pause when impedance > 50 kOhm for 2 s until impedance < 30 kOhm "Check the contact"
  stop when voltage > 60 V for 1 s "Too high a voltage"
  course {
    at least 48 h between sessions
    3 sessions per week
    at most 6 sessions within 40 days
    stop when pain <= 2
    carry current from previous session plus at most 0.5 mA first at most 1.5 mA
    after 3 sessions require pain <= 8 else finish "no response"
  }
}
"""

LOOSER = [
    ("limit current <= 3 mA", "limit current <= 3.1 mA"),
    ("limit current <= 3 mA", "limit current <= 3 mA nominal"),
    ("60 mA.min in any 48 h", "61 mA.min in any 48 h"),
    ("40 mA.min per session", "41 mA.min per session"),
    ("1 mA .. 2 mA", "1 mA .. 2.1 mA"),
    ("5 min .. 10 min", "5 min .. 11 min"),
    ("param current", "adjustable param current"),
    ("refuse when age < 18", "refuse when age < 17"),
    ("caution when age > 80", "caution when age > 81"),
    ("<= 18 mA.min", "<= 19 mA.min"),
    ("to current over 30 s", "to current over 31 s"),
    ("hold for time", "hold for time + 1 s"),
    ("stop at 0.4 mA/s", "stop at 0.39 mA/s"),
    ("interruptions at most 2", "interruptions at most 3"),
    ("each at most 3 min", "each at most 4 min"),
    ("impedance > 50 kOhm for 2 s", "impedance > 51 kOhm for 2 s"),
    ("kOhm for 2 s", "kOhm for 3 s"),
    ("until impedance < 30 kOhm", "until impedance < 31 kOhm"),
    ("stop when voltage", "pause when voltage"),
    ("voltage > 60 V", "voltage > 61 V"),
    ("at least 48 h", "at least 47 h"),
    ("3 sessions per week", "4 sessions per week"),
    ("at most 6 sessions", "at most 7 sessions"),
    ("within 40 days", "within 39 days"),
    ("stop when pain <= 2", "stop when pain <= 1"),
    ("plus at most 0.5 mA", "plus at most 0.6 mA"),
    ("first at most 1.5 mA", "first at most 1.6 mA"),
    ("require pain <= 8", "require pain <= 9"),
]
"""A line of the protocol, and the same line when it admits more."""


@cache
def plan(old: str = "", new: str = "") -> Plan:
    """The protocol with one thing in it said otherwise."""
    text = HEAD + BODY
    assert old in text, old
    compilation = compile_text(text.replace(old, new, 1) if old else text)
    assert compilation.ok, [item.message for item in compilation.diagnostics]
    return compilation.plans[0].plan


@cache
def loosened(edit: tuple[str, str]) -> Comparison:
    """What comes of putting the looser plan beside the protocol."""
    return compare(plan(), plan(*edit))


def grave(found: Comparison, change: Change) -> list[str]:
    """What changed like this."""
    return [item.subject for item in found.aspects if item.change is change]


@pytest.mark.parametrize("edit", LOOSER, ids=lambda edit: edit[1])
def test_a_loosened_line_is_shown_and_a_tightened_one_never_admits_more(edit: tuple[str, str]) -> None:
    looser = loosened(edit)
    assert looser.exit_code == 1, [(item.subject, item.change, item.reason) for item in looser.aspects]
    stricter = compare(plan(*edit), plan())
    told = [(item.subject, item.reason) for item in stricter.aspects if item.change is Change.UNDECIDED]
    assert grave(stricter, Change.LOOSER) == []
    assert stricter.exit_code == 0, told


RULES = ("limit", "60", "40", "interr", "each", "until", "stop at", "param current")
SHOWN = [edit for edit in LOOSER if not edit[0].startswith(RULES)]
"""Those that one session, one person or one schedule can show; the others are numbers in a rule."""


@pytest.mark.parametrize("edit", SHOWN, ids=lambda edit: edit[1])
def test_what_can_be_shown_is_shown_by_a_witness_that_the_old_plan_treats_otherwise(
    edit: tuple[str, str],
) -> None:
    found = loosened(edit)
    shown = [item.witness for item in found.aspects if item.witness is not None]
    assert shown
    assert all(item.old != item.new for item in shown)


def test_what_only_reads_differently_is_identical() -> None:
    text = format_source(SourceFile("p.ionto", HEAD + BODY))
    assert isinstance(text, str)
    assert text != HEAD + BODY
    renamed = text.replace("current", "amperage").replace("limit amperage", "limit current")
    for other in (text, renamed.replace("protocol heel", "protocol sole")):
        compiled = compile_text(other)
        assert compiled.ok, [item.message for item in compiled.diagnostics]
        assert compare(plan(), compiled.plans[0].plan).identical


EARS = (Path(ionto_protocols.__file__).parent / "regimens" / "tula_tymbion.ionto").read_text(encoding="utf-8")
EARS = EARS.split("\n  test ")[0] + "\n}\n"
EARS = EARS.replace("4 mA.min .. 5 mA.min = 5 mA.min", "0.4 mA.min .. 0.5 mA.min = 0.5 mA.min")


@cache
def ears(old: str = "", new: str = "") -> Plan:
    """A session of two channels with one thing in it said otherwise."""
    assert old in EARS, old
    compilation = compile_text(EARS.replace(old, new, 1) if old else EARS)
    assert compilation.ok, [item.message for item in compilation.diagnostics]
    return compilation.plans[0].plan


def test_channels_are_compared_one_by_one_and_added_up() -> None:
    assert compare(ears(), ears()).identical
    edit = ("left_current:  0.3 mA .. 0.8 mA", "left_current:  0.3 mA .. 0.9 mA")
    looser = compare(ears(), ears(*edit))
    assert "highest current, all channels together" in grave(looser, Change.LOOSER)
    stricter = compare(ears(*edit), ears())
    assert (stricter.exit_code, grave(stricter, Change.LOOSER)) == (0, [])


def rhythmic(dice: random.Random) -> Course:
    """A course of a few rules, with or without phases."""

    def phase(name: str) -> Phase:
        days = dice.choice((5, 7))
        rhythm = Rhythm(
            0,
            None,
            0,
            None,
            ((dice.randrange(1, 4), days),),
            (),
            (),
            dice.randrange(1, 5),
            dice.choice((7, 14)),
        )
        return Phase(name, rhythm, None, (), HERE)

    phases = (phase("a"), phase("b")) if dice.random() < 0.5 else ()
    weekdays = dice.choice(((), (), (0, 2, 4), (0, 2)))
    per_days = dice.choice(((), ((2, 5),), ((3, 7),)))
    course = Course(
        dice.choice((0, 1, 2)), None, dice.choice((0, 25, 49)) * 3_600_000, per_days, None, None, HERE
    )
    most = None if phases else dice.randrange(2, 7)
    return replace(course, weekdays=weekdays, phases=phases, sessions_max=most)


def test_a_course_that_never_admits_more_admits_no_schedule_that_the_other_one_does_not() -> None:
    certain = shown = 0
    for seed in range(40):
        dice = random.Random(seed)
        old = rhythmic(dice)
        new = rhythmic(dice) if dice.random() < 0.5 else replace(old, gap_days_min=old.gap_days_min + 1)
        found = Schedules(old, new)
        certain += found.none_more()
        shown += found.witness() is not None
        assert not (found.none_more() and found.witness() is not None), seed
    assert certain >= 10
    assert shown >= 6
