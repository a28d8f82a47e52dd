"""Courses, properties, in-file tests, envelopes, equipment and whole files become what they should."""

from __future__ import annotations

import pytest

from ionto_dsl import surface
from tests.dsl.trees import item, line_of_course, said, tree


def test_courses() -> None:
    assert said(line_of_course("every 2 days").period) == "2 days"
    assert said(line_of_course("every 2 weeks for 12 weeks").duration) == "12 weeks"
    often = line_of_course("3 sessions per week for 4 weeks")
    assert (said(often.count), often.per, said(often.duration)) == ("3", "week", "4 weeks")
    assert line_of_course("1 session per day").per == "day"
    most = line_of_course("at most 6 sessions within 15 days")
    assert (said(most.count_max), said(most.window)) == ("6", "15 days")
    assert line_of_course("at most 1 session").window is None
    assert said(line_of_course("at least 24 h between sessions").gap_min) == "24 h"
    assert [said(day) for day in line_of_course("on days 1, 2, 4, 7, 10, 22").days] == [
        "1",
        "2",
        "4",
        "7",
        "10",
        "22",
    ]
    assert said(line_of_course("stop when pain <= 2").condition) == "(pain <= 2)"
    assert said(line_of_course("rest site 3 days").duration) == "3 days"
    carry = line_of_course("carry current from previous session plus at most 1 mA")
    assert (carry.subject.text, said(carry.plus_max)) == ("current", "1 mA")
    assert line_of_course("carry polarity from previous session").plus_max is None
    phase = line_of_course("phase induction { 3 sessions per week for 4 weeks stop when done }")
    assert phase.name.text == "induction"
    assert len(phase.items) == 2


def test_properties() -> None:
    never = item('prove never current > 0 mA after "Sweat collection"')
    assert (never.claim, said(never.condition)) == ("never", "(current > 0 mA)")
    assert (never.place, never.label.value) == ("after", "Sweat collection")
    assert never.span.end_column == len('prove never current > 0 mA after "Sweat collection"') + 1
    always = item("prove always current <= 2 mA")
    assert (always.claim, always.place) == ("always", None)
    finished = item("prove finished within 45 min")
    assert (finished.claim, said(finished.duration)) == ("finished within", "45 min")


def test_a_block_after_a_property_is_not_its_place() -> None:
    protocol = tree('protocol p { prove never x before { confirm "a" } after { } }').declarations[0]
    assert isinstance(protocol, surface.Protocol)
    assert [type(one).__name__ for one in protocol.items] == ["Prove", "Around", "Around"]


def test_tests_in_the_file() -> None:
    node = item(
        'test "all" { given current = 2 mA, active.area = 90 cm2 at 5 min lead_off '
        'at 6 min adjust current = 3 mA at 7 min record skin = none at 8 min press "Dose" '
        "expect delivered = 40 mA.min expect duration <= 22 min "
        'expect peak <= 2 mA expect refused expect finished "reason" expect chloride classified "low" }'
    )
    assert node.name.value == "all"
    given = [line for line in node.lines if isinstance(line, surface.Given)]
    assert [(line.subject.dotted, said(line.value)) for line in given] == [
        ("current", "2 mA"),
        ("active.area", "90 cm2"),
    ]
    events = [line for line in node.lines if isinstance(line, surface.Event)]
    assert [(said(line.time), line.event, said(line.value)) for line in events] == [
        ("5 min", "lead_off", "-"),
        ("6 min", "adjust", "3 mA"),
        ("7 min", "record", "none"),
        ("8 min", "press", "-"),
    ]
    assert events[3].label is not None
    expected = [line for line in node.lines if isinstance(line, surface.Expect)]
    assert [(line.outcome, line.operator, said(line.bound)) for line in expected] == [
        ("delivered", "=", "40 mA.min"),
        ("duration", "<=", "22 min"),
        ("peak", "<=", "2 mA"),
        ("refused", None, "-"),
        ("finished", None, "-"),
        ("classified", None, "-"),
    ]
    assert expected[5].subject is not None
    assert expected[5].subject.text == "chloride"
    assert expected[4].text is not None
    assert expected[4].text.value == "reason"


@pytest.mark.parametrize(
    "event", ["pause", "resume", "stop", "emergency_stop", "lead_off", "link_lost", "link_back"]
)
def test_events_of_tests(event: str) -> None:
    assert item(f'test "t" {{ at 5 min {event} }}').lines[0].event == event


def _limit(text: str) -> surface.Limit:
    envelope = tree(f"envelope e {{ {text} }}").declarations[0]
    assert isinstance(envelope, surface.Envelope)
    (found,) = envelope.items
    assert isinstance(found, surface.Limit)
    return found


@pytest.mark.parametrize(
    ("written", "subject", "pole", "bound", "nominal", "per_session", "window"),
    [
        ("limit current <= 4 mA nominal", "current", None, "4 mA", True, False, "-"),
        ("limit density at cathode <= 0.5 mA/cm2", "density", "cathode", "0.5 mA/cm2", False, False, "-"),
        ("limit mean density at anode <= 1 mA/cm2", "mean density", "anode", "1 mA/cm2", False, False, "-"),
        ("limit ramp <= 0.5 mA/s", "ramp", None, "0.5 mA/s", False, False, "-"),
        ("limit voltage <= 80 V", "voltage", None, "80 V", False, False, "-"),
        ("limit dose <= 80 mA.min per session", "dose", None, "80 mA.min", False, True, "-"),
        ("limit dose <= 80 mA.min in any 24 h", "dose", None, "80 mA.min", False, False, "24 h"),
        ("limit charge per pulse <= 1 uC", "charge per pulse", None, "1 uC", False, False, "-"),
        ("limit sessions <= 1 in any 24 h", "sessions", None, "1", False, False, "24 h"),
        ("limit duration <= 60 min per session", "duration", None, "60 min", False, True, "-"),
        ("limit stop time <= 10 s", "stop time", None, "10 s", False, False, "-"),
        ("limit interruptions <= 5 per session", "interruptions", None, "5", False, True, "-"),
        ("limit pause <= 10 min", "pause", None, "10 min", False, False, "-"),
    ],
)
def test_limits(
    written: str, subject: str, pole: str | None, bound: str, nominal: bool, per_session: bool, window: str
) -> None:
    found = _limit(written + ' hazard H-BURN source "s" "text"')
    assert (found.subject, found.pole, said(found.bound)) == (subject, pole, bound)
    assert (found.nominal, found.per_session, said(found.window)) == (nominal, per_session, window)
    assert not found.soft
    assert found.remarks.hazard is not None
    assert found.remarks.hazard.text == "H-BURN"
    assert found.remarks.text is not None


def test_soft_limits() -> None:
    assert _limit('soft limit dose <= 42 mA.min per session "say why"').soft


def test_the_rest_of_an_envelope() -> None:
    envelope = tree(
        'envelope e { source "s" title "t" assume impedance 1 kOhm .. 15 kOhm source "s" '
        "exclude pacemaker, age < 6 yr hazard H-ARRHYTHMIA interruptions at most 2 "
        "pause at most 1 min no resume }"
    ).declarations[0]
    assert isinstance(envelope, surface.Envelope)
    kinds = [type(one).__name__ for one in envelope.items]
    assert kinds == ["Source", "Title", "Assume", "Exclude", "Interruptions", "PauseLimit", "NoResume"]
    assume, exclude = envelope.items[2:4]
    assert isinstance(assume, surface.Assume)
    assert said(assume.range) == "1 kOhm .. 15 kOhm"
    assert isinstance(exclude, surface.Exclude)
    assert [said(one) for one in exclude.conditions] == ["pacemaker", "(age < 6 yr)"]


def test_devices() -> None:
    device = tree(
        'device d { title "t" driver simulated current 0 mA .. 4 mA step 10 uA accuracy 2 % + 10 uA '
        'compliance 80 V slew at most 1 mA/s tick 100 ms watchdog 500 ms source "s" host gap 250 ms '
        "waveforms dc, pulsed }"
    ).declarations[0]
    assert isinstance(device, surface.Device)
    current = device.items[2]
    assert isinstance(current, surface.CurrentRange)
    assert (said(current.range), said(current.step)) == ("0 mA .. 4 mA", "10 uA")
    assert [said(one) for one in current.accuracy] == ["2 %", "10 uA"]
    settings = [one for one in device.items if isinstance(one, surface.Setting)]
    shown = [
        (
            one.key.text,
            one.at_most,
            ", ".join(name.text for name in one.value) if isinstance(one.value, tuple) else said(one.value),
        )
        for one in settings
    ]
    assert shown == [
        ("driver", False, "simulated"),
        ("compliance", False, "80 V"),
        ("slew", True, "1 mA/s"),
        ("tick", False, "100 ms"),
        ("watchdog", False, "500 ms"),
        ("host gap", False, "250 ms"),
        ("waveforms", False, "dc, pulsed"),
    ]
    assert len(settings[4].remarks.sources) == 1


def test_drugs_electrodes_and_screening_lists() -> None:
    drug, electrode, screening = tree(
        'drug d { ion -2 molar_mass 472.4 g/mol concentration 4 mg/mL transport 0.012 source "s" } '
        "electrode e { area 10.1 cm2 .. 12 cm2 fill 2.5 mL reusable no } "
        'screening s { ask a: yes/no "A?" refuse when a "why" let b = not a }'
    ).declarations
    assert isinstance(drug, surface.Drug)
    assert isinstance(electrode, surface.Electrode)
    assert isinstance(screening, surface.Screening)
    facts = [one for one in (*drug.items, *electrode.items) if isinstance(one, surface.Setting)]
    assert [(one.key.text, said(one.value)) for one in facts] == [
        ("ion", "(- 2)"),
        ("molar_mass", "472.4 g/mol"),
        ("concentration", "4 mg/mL"),
        ("transport", "0.012"),
        ("area", "10.1 cm2 .. 12 cm2"),
        ("fill", "2.5 mL"),
        ("reusable", "no"),
    ]
    assert [type(one).__name__ for one in screening.items] == ["Variable", "Rule", "Let"]


def test_line_ends_and_blanks_carry_no_meaning() -> None:
    text = 'protocol p version "1" { session { ramp to 2 mA over 30 s } }'
    spread = text.replace(" ", "\r\n\t # comment\r\n\u00a0")
    spread = spread.replace('"1"\r', '"1"  \r')
    (one,) = tree(text).declarations
    (other,) = tree(spread).declarations
    assert isinstance(one, surface.Protocol)
    assert isinstance(other, surface.Protocol)
    assert isinstance(other.items[0], surface.Session)
    ramp = other.items[0].steps[0]
    assert isinstance(ramp, surface.Ramp)
    assert said(ramp.target) == "2 mA"
    assert ramp.span.line > 10


def test_an_empty_file_is_a_file_without_declarations() -> None:
    assert tree("").declarations == ()
    assert tree("# nothing\n").declarations == ()
    assert tree("\ufeffimport a").imports[0].span.column == 2
