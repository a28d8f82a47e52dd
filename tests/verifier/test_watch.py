"""Monitors that mean something and monitors that do not, one smallest unit apart."""

from __future__ import annotations

import pytest

from ionto_ir.dataclass import replace
from ionto_ir.features import features_of
from ionto_ir.monitor import MonitorAction
from ionto_ir.plan import Interruptions, Plan
from ionto_verifier.assumptions import assumptions_of
from ionto_verifier.driver import verify
from ionto_verifier.properties import Property
from ionto_verifier.report import VerificationReport, verdict_name
from tests.treatments import HERE, Watch, monitor_of
from tests.verifier.sessions import MA, QUICK, SECOND, finding, limited, session, with_impedance

PAUSE, STOP, WARN = MonitorAction


def report_of(*watches: Watch, plan: Plan | None = None) -> VerificationReport:
    """A session at 2 mA on 1 to 15 kOhm and a device of 80 V, under these monitors."""
    watched = with_impedance(plan or limited(session()), 15_000)
    watched = replace(watched, monitors=tuple(monitor_of(item) for item in watches))
    return verify(replace(watched, requires=features_of(watched)), QUICK)


def verdict_of(watch: Watch, kind: Property) -> str:
    """The verdict of one monitor in one respect."""
    return verdict_name(finding(report_of(watch), kind).verdict)


@pytest.mark.parametrize(
    ("reading", "highest"),
    [("voltage", 80_000), ("current", 2 * MA + 40_000 + 10_000 + 1), ("impedance", 10**9)],
)
def test_a_monitor_above_all_that_can_be_read_never_acts(reading: str, highest: int) -> None:
    watch = Watch(STOP, reading, True, highest - 1, 0, None)
    assert verdict_of(watch, Property.WATCHES) == "proved"
    assert verdict_of(replace(watch, bound=highest), Property.WATCHES) == "vacuous"


def test_charge_and_time_that_no_session_reaches_are_never_seen() -> None:
    for reading in ("charge", "elapsed"):
        assert verdict_of(Watch(STOP, reading, True, 1, 0, None), Property.WATCHES) == "proved"
        assert verdict_of(Watch(STOP, reading, True, 10**15, 0, None), Property.WATCHES) == "vacuous"


def test_a_monitor_that_needs_longer_than_a_session_never_acts() -> None:
    assert verdict_of(Watch(PAUSE, "impedance", True, 9_000, 20 * SECOND, None), Property.WATCHES) == "proved"
    assert verdict_of(Watch(PAUSE, "impedance", True, 9_000, 10**7, None), Property.WATCHES) == "vacuous"


def test_one_that_acts_beyond_the_assumed_impedance_alone_is_pointed_out_and_proved() -> None:
    inside = report_of(Watch(PAUSE, "impedance", True, 14_999, 0, None))
    beyond = report_of(Watch(PAUSE, "impedance", True, 15_000, 0, None))
    assert [item.code for item in inside.diagnostics] == []
    assert [(item.code, item.severity.value) for item in beyond.diagnostics] == [("I0713", "note")]
    assert beyond.proved


def test_a_monitor_that_all_of_the_assumed_impedance_sets_off_acts_always() -> None:
    assert verdict_of(Watch(PAUSE, "impedance", False, 15_001, 0, None), Property.IDLES) == "vacuous"
    assert verdict_of(Watch(WARN, "impedance", False, 15_001, 0, None), Property.IDLES) == "vacuous"


def test_one_that_stops_every_session_that_is_tried_acts_always() -> None:
    report = report_of(Watch(PAUSE, "current", False, MA, 0, None))
    found = finding(report, Property.IDLES)
    assert verdict_name(found.verdict) == "vacuous"
    assert found.reason is not None and "1000 Ohm, 8000 Ohm, 15000 Ohm" in found.reason
    assert not report.proved
    assert verdict_of(Watch(WARN, "current", False, MA, 0, None), Property.IDLES) == "proved"


def test_until_must_be_able_to_hold_and_not_together_with_the_condition() -> None:
    assert verdict_of(Watch(PAUSE, "impedance", True, 50_000, 0, 1_000), Property.RELEASES) == "vacuous"
    assert verdict_of(Watch(PAUSE, "impedance", True, 50_000, 0, 1_001), Property.RELEASES) == "proved"
    assert verdict_of(Watch(PAUSE, "impedance", True, 50_000, 0, 50_001), Property.APART) == "proved"
    assert verdict_of(Watch(PAUSE, "impedance", True, 50_000, 0, 50_002), Property.APART) == "vacuous"


def test_the_assumptions_say_what_a_monitor_does_to_the_proofs() -> None:
    plan = replace(session(), monitors=(monitor_of(Watch(PAUSE, "impedance", True, 9_000, 0, None)),))
    for rules, words in (
        (Interruptions(3, 60_000, True, HERE), "as one of the 3 interruptions"),
        (Interruptions(0, 0, False, HERE), "as a stop"),
    ):
        said = [item for item in assumptions_of(replace(plan, interruptions=rules)) if "monitor" in item]
        assert len(said) == 1 and words in said[0]
