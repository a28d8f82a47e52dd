"""Channels that take turns before the prover: what of them adds up, how long they take, what differs."""

from __future__ import annotations

from functools import cache

import pytest

from ionto_dsl.driver import compile_text
from ionto_ir.dataclass import replace
from ionto_ir.features import features_of
from ionto_ir.plan import Hold, Plan
from ionto_ir.recheck.beside import part_of
from ionto_ir.recheck.derive import derive
from ionto_ir.recheck.taking_turns import meetings, takes_turns
from ionto_ir.waveform import Form, Waveform
from ionto_verifier.aspects import Change
from ionto_verifier.comparison import compare
from ionto_verifier.driver import verify
from ionto_verifier.report import VerificationReport, verdict_name
from tests.ir.sealing import PROVE_ONLY

TEXT = """
device bench {
  title "Three outputs"  driver simulated
  current 0 mA .. 4 mA step 10 uA accuracy 2 % + 10 uA
  compliance 80 V  slew at most 1 mA/s  tick 100 ms  watchdog 500 ms  host gap 250 ms
  waveforms dc  channels 3  return separate
}
electrode capsule { area 5 cm2 }
electrode pad { area 50 cm2 }
drug acetylcholine { ion 1 }
envelope limbs {
  title "Limbs"
  LIMITS
  limit ramp <= 0.5 mA/s
  limit interruptions <= 2
  limit pause <= 1 min
}
protocol turns version "1.0.0" {
  within limbs
  device bench
  active anode capsule on "left hand"  with acetylcholine channel left
  active anode capsule on "right hand" with acetylcholine channel right
  active anode capsule on "knee"       with acetylcholine channel knee
  return cathode pad on "back"
  session { SESSION }
  MORE
}
"""
TURNS = """
  channel left, right { ramp to 1 mA over 5 s hold for 30 s ramp to 0 mA over 5 s }
  then channel knee { ramp to 2 mA over 5 s hold for 50 s ramp to 0 mA over 5 s }
  then channel left { ramp to 1 mA over 5 s hold for 10 s ramp to 0 mA over 5 s }
"""


@cache
def plan_of(limits: str = "limit current <= 2.1 mA", session: str = TURNS, more: str = "") -> Plan:
    """The plan under other limits, with another session or further lines."""
    text = TEXT.replace("LIMITS", limits).replace("SESSION", session).replace("MORE", more)
    compilation = compile_text(text)
    assert compilation.ok, [item.message for item in compilation.diagnostics]
    return compilation.plans[0].plan


def words(report: VerificationReport, kind: str) -> set[str]:
    """The verdicts about one property."""
    return {verdict_name(item.verdict) for item in report.findings if item.claim.property.value == kind}


@pytest.mark.parametrize(
    ("limit", "kind", "word"),
    [
        ("limit current <= 2.06 mA", "current", "proved"),  # 1.03 mA twice, or 2.05 mA
        ("limit current <= 2.05 mA", "current", "refuted"),
        ("limit current at cathode <= 2.06 mA", "current", "proved"),
        ("limit dose <= 4.8 mA.min per session", "dose", "proved"),
        ("limit dose <= 3 mA.min per session", "dose", "refuted"),
        # 40 s, 60 s and 20 s, two pauses of 1 min with a ramp of 4 s, and the ticks between them
        ("limit duration <= 4.3 min per session", "duration", "proved"),
        ("limit duration <= 2 min per session", "duration", "refuted"),
    ],
)
def test_currents_meet_in_a_part_and_doses_and_times_add_up(limit: str, kind: str, word: str) -> None:
    report = verify(plan_of(limit), PROVE_ONLY)
    assert report.disagreements == () and not report.ill_formed
    assert words(report, kind) == {word}, report.diagnostics


def test_no_person_is_said_to_be_waited_for() -> None:
    more = "prove finished within 5 min"
    report = verify(plan_of("limit duration <= 5 min per session", more=more), PROVE_ONLY)
    assert report.proved and not any("person" in item.message for item in report.diagnostics)
    short = verify(plan_of(more="prove finished within 1 min"), PROVE_ONLY)
    assert words(short, "prove") == {"refuted"}, short.diagnostics


def test_time_apart_from_people_counts_the_turns_of_other_channels() -> None:
    """No other channel is a person: the knee alone takes a minute in which the left hand waits."""
    report = verify(plan_of(more="prove finished within 70 s apart from people"), PROVE_ONLY)
    assert words(report, "prove") == {"refuted"}


def test_one_channel_alone_is_not_refuted_in_a_window_for_beginning_its_next_turn_at_once() -> None:
    """In any 50 s the left hand has one of its turns, because the knee takes a minute between them."""
    limit = "limit dose at anode <= 0.75 mA.min in any 50 s"
    session = TURNS.replace("to 2 mA", "to 0.5 mA")
    report = verify(plan_of(limit, session), PROVE_ONLY)
    assert words(report, "dose") <= {"proved", "undecided"}, report.diagnostics


def test_the_recheck_finds_the_same_meetings_and_derives_the_currents() -> None:
    plan = plan_of()
    parts = [part_of(plan, number) for number in range(3)]
    assert takes_turns(parts)
    assert meetings(parts, (0, 1, 2)) == ((0, 1), (2,))
    found = derive(plan)
    assert found.not_understood is None
    assert "limits[0].together" in {item.claim for item in found.questions}
    assert [item.claim for item in found.left] == []
    timed = derive(plan_of("limit duration <= 5 min per session"))
    assert [item.claim for item in timed.left] == ["limits[0].together"], "left to the prover's certificate"


def test_channels_that_no_longer_take_turns_are_looser_and_never_the_same() -> None:
    together = TURNS.replace("then channel knee", "channel knee")
    found = compare(plan_of("limit current <= 4.2 mA"), plan_of("limit current <= 4.2 mA", together))
    assert not found.identical
    changed = {item.subject: item.change for item in found.aspects}
    assert changed["highest current, all channels together"] is Change.LOOSER
    back = compare(plan_of("limit current <= 4.2 mA", together), plan_of("limit current <= 4.2 mA"))
    assert Change.LOOSER not in {item.change for item in back.aspects if item.subject.startswith("highest")}


@pytest.mark.parametrize("turned", [False, True])
def test_what_a_device_cannot_give_is_refuted_once_in_whichever_channel_it_is_asked_for(turned: bool) -> None:
    plan = plan_of(
        session=TURNS if turned else "channel left, right, knee { deliver 1 mA.min at 1 mA ramping 5 s }"
    )
    pulsed = Waveform(Form.PULSED, 1_000_000, 500_000)
    last = plan.channels[-1]
    steps = tuple(replace(item, waveform=pulsed) if isinstance(item, Hold) else item for item in last.steps)
    plan = replace(plan, channels=(*plan.channels[:-1], replace(last, steps=steps)))
    report = verify(replace(plan, requires=features_of(plan)), PROVE_ONLY)
    assert words(report, "device") == {"refuted"}
    assert [item.code for item in report.diagnostics].count("I0619") == 1
    able = replace(plan, device=replace(plan.device, waveforms=("dc", "pulsed")))
    assert words(verify(replace(able, requires=features_of(able)), PROVE_ONLY), "device") == {"proved"}
