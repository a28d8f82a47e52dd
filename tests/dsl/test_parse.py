"""Every construct of a protocol becomes the surface node that says what was written."""

from __future__ import annotations

from fractions import Fraction

import pytest

from ionto_dsl import surface
from ionto_ir.source import Span
from tests.dsl.trees import item, said, step, tree


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("a + b * c", "(a + (b * c))"),
        ("a - b - c", "((a - b) - c)"),
        ("a / b * c", "((a / b) * c)"),
        ("(a + b) * c", "((a + b) * c)"),
        ("-a * b", "((- a) * b)"),
        ("a - -b", "(a - (- b))"),
        ("a < b and not c or d = yes", "(((a < b) and (not c)) or (d = yes))"),
        ("not a = b", "(not (a = b))"),
        ("min(a, 2 mA) <= max(b, c, d)", "(min(a, 2 mA) <= max(b, c, d))"),
        ("active.area / return.area", "(active.area / return.area)"),
        ("0.1mA/cm2", "0.1 mA/cm2"),
        ("1 A / 2 s", "(1 A / 2 s)"),
        ("2 % + 10 uA", "(2 % + 10 uA)"),
        ("3\u00a0mA\u00b7min", "3 mA\u00b7min"),
        ("a != (b > c)", "(a != (b > c))"),
        ("yes", "yes"),
    ],
)
def test_expressions_bind_as_people_expect(written: str, meant: str) -> None:
    assert said(item(f"let x = {written}").value) == meant


def test_numbers_are_exact_and_keep_how_they_were_written() -> None:
    number = item("let x = 0.10 mA").value
    assert number.text == "0.10"
    assert number.value == Fraction(1, 10)
    assert number.unit == surface.Name("mA", Span("t.ionto", 2, 14, 2, 16))


def test_every_node_knows_where_it_stands() -> None:
    node = item("param current: 1 mA .. (4 mA)")
    assert node.span == Span("t.ionto", 2, 1, 2, 30)
    assert node.name.span == Span("t.ionto", 2, 7, 2, 14)
    assert node.kind.low.span == Span("t.ionto", 2, 16, 2, 20)
    assert node.kind.high.span == Span("t.ionto", 2, 24, 2, 30)
    assert item("let x = a + b").value.operator_span == Span("t.ionto", 2, 11, 2, 12)


def test_the_head_of_a_protocol() -> None:
    file = tree('import drugs.lidocaine import screening.galvanic protocol b version "1.2" extends a { }')
    assert [".".join(part.text for part in one.path) for one in file.imports] == [
        "drugs.lidocaine",
        "screening.galvanic",
    ]
    protocol = file.declarations[0]
    assert isinstance(protocol, surface.Protocol)
    assert protocol.name.text == "b"
    assert protocol.version is not None
    assert protocol.version.value == "1.2"
    assert protocol.extends is not None
    assert protocol.extends.text == "a"


def test_a_source_belongs_to_what_stands_before_it() -> None:
    file = tree(
        'protocol p { source "0" title "t" source "1" indication "i" icd10cm "M72.2" source "2"'
        ' param x: 1 .. 2 source "3" source "4" session { } }'
    )
    protocol = file.declarations[0]
    assert isinstance(protocol, surface.Protocol)
    kinds = [type(one).__name__ for one in protocol.items]
    assert kinds == ["Source", "Title", "Source", "Indication", "Source", "Variable", "Session"]
    variable = protocol.items[5]
    assert isinstance(variable, surface.Variable)
    assert [one.value for one in variable.remarks.sources] == ["3", "4"]
    indication = protocol.items[3]
    assert isinstance(indication, surface.Indication)
    assert [(code.system.text, code.value.value) for code in indication.codes] == [("icd10cm", "M72.2")]


def test_texts_may_hold_quotes_backslashes_braces_and_signs_of_comments() -> None:
    assert item(r'title "say \"now\" \\ { # }"').text.value == r'say "now" \ { # }'


@pytest.mark.parametrize("relation", ["within", "screen", "device"])
def test_what_a_protocol_stands_on(relation: str) -> None:
    node = item(f"{relation} a, b")
    assert node.relation == relation
    assert [name.text for name in node.names] == ["a", "b"]


def test_placements() -> None:
    node = item(
        'active cathode medium_patch on "plantar heel" with lidocaine 2.5 mL, epinephrine '
        "area 80 cm2 .. 200 cm2 "
        'step 1 cm2 split 40 % .. 60 % channel left despite "measured" source "s"'
    )
    assert (node.place, node.pole, node.electrode.text) == ("active", "cathode", "medium_patch")
    assert node.site.value == "plantar heel"
    assert [(one.drug.text, said(one.volume)) for one in node.medicines] == [
        ("lidocaine", "2.5 mL"),
        ("epinephrine", "-"),
    ]
    assert said(node.area) == "80 cm2 .. 200 cm2"
    assert said(node.area_step) == "1 cm2"
    assert said(node.split) == "40 % .. 60 %"
    assert [name.text for name in node.channel_names] == ["left"] and not node.chosen
    assert node.remarks.despite.value == "measured"
    plain = item("return anode large_patch area 25 cm2")
    assert (plain.place, plain.pole, plain.site, plain.medicines) == ("return", "anode", None, ())
    assert said(plain.area) == "25 cm2"


@pytest.mark.parametrize(
    ("written", "role", "adjustable", "kind", "default", "step_size", "text"),
    [
        (
            'param c: 1 mA .. 4 mA = 2 mA step 0.1 mA "t"',
            "param",
            False,
            "1 mA .. 4 mA",
            "2 mA",
            "0.1 mA",
            "t",
        ),
        (
            'param c: 1 mA .. 4 mA = 2 mA "t" step 0.1 mA',
            "param",
            False,
            "1 mA .. 4 mA",
            "2 mA",
            "0.1 mA",
            "t",
        ),
        ("adjustable param c: 5 mA .. 15 mA = 8 mA", "param", True, "5 mA .. 15 mA", "8 mA", "-", None),
        ("param mode: gentle | usual = usual", "param", False, "gentle | usual", "usual", "-", None),
        ("param slow: yes/no = no", "param", False, "yes/no", "no", "-", None),
        (
            'ask pacemaker: yes/no "Cardiac pacemaker?"',
            "ask",
            False,
            "yes/no",
            "-",
            "-",
            "Cardiac pacemaker?",
        ),
        ("ask age: 0 yr .. 120 yr step 1 yr", "ask", False, "0 yr .. 120 yr", "-", "1 yr", None),
        ("param c: low .. high", "param", False, "low .. high", "-", "-", None),
    ],
)
def test_values_from_outside(
    written: str, role: str, adjustable: bool, kind: str, default: str, step_size: str, text: str | None
) -> None:
    node = item(written)
    assert (node.role, node.adjustable) == (role, adjustable)
    assert said(node.kind) == kind
    assert said(node.default) == default
    assert said(node.step) == step_size
    assert (None if node.remarks.text is None else node.remarks.text.value) == text


def test_words_of_the_field_are_free_as_names() -> None:
    for word in ("current", "dose", "density", "area", "duration", "sessions", "ion", "tick", "day"):
        assert item(f"param {word}: 1 mA .. 2 mA").name.text == word
        assert said(item(f"let x = {word} + 1").value) == f"({word} + 1)"


def test_refusals_and_requirements() -> None:
    refuse = item('refuse when pacemaker "why" icd10cm "Z95.0" source "s" hazard H-ARRHYTHMIA')
    assert (refuse.verdict, said(refuse.condition)) == ("refuse", "pacemaker")
    assert refuse.remarks.hazard.text == "H-ARRHYTHMIA"
    assert refuse.remarks.codes[0].value.value == "Z95.0"
    assert item('caution when age < 18 yr "why"').verdict == "caution"
    require = item('require current / active.area <= 0.4 mA/cm2 "small hand"')
    assert said(require.condition) == "((current / active.area) <= 0.4 mA/cm2)"
    assert require.finish is None
    gate = step('require volume >= 15 uL else finish "quantity not sufficient"')
    assert gate.finish.value == "quantity not sufficient"


@pytest.mark.parametrize(
    ("written", "target", "over", "rate", "rounded", "above", "form"),
    [
        ("ramp to 2 mA over 30 s", "2 mA", "30 s", "-", False, False, None),
        ("ramp to 2 mA at 0.1 mA/s", "2 mA", "-", "0.1 mA/s", False, False, None),
        ("ramp to -0.3 mA over 5 s", "(- 0.3 mA)", "5 s", "-", False, False, None),
        ("ramp to 0.1 mA/cm2 rounded down over 10 s", "0.1 mA/cm2", "10 s", "-", True, False, None),
        ("ramp to 170 uA above basal over 5 s", "170 uA", "5 s", "-", False, True, None),
        ("ramp to 2 mA over 3 s as pulsed 10 kHz duty 50 %", "2 mA", "3 s", "-", False, False, "pulsed"),
    ],
)
def test_ramps(
    written: str, target: str, over: str, rate: str, rounded: bool, above: bool, form: str | None
) -> None:
    node = step(written)
    assert (said(node.target), said(node.over), said(node.rate)) == (target, over, rate)
    assert (node.rounded_down, node.above_basal) == (rounded, above)
    assert (None if node.waveform is None else node.waveform.form.text) == form


@pytest.mark.parametrize(
    ("written", "mode", "amount"),
    [
        ("hold for 10 min", "for", "10 min"),
        ("hold until 20 mA.min", "until", "20 mA.min"),
        ("hold until total prescribed - 1 mA.min", "until total", "(prescribed - 1 mA.min)"),
    ],
)
def test_holds(written: str, mode: str, amount: str) -> None:
    node = step(written)
    assert (node.mode, said(node.amount)) == (mode, amount)


def test_waveforms_of_a_hold() -> None:
    pulsed = step('hold for 20 min as pulsed 10 kHz duty 50 % "Treatment"')
    assert (said(pulsed.waveform.frequency), said(pulsed.waveform.duty)) == ("10 kHz", "50 %")
    assert pulsed.label.value == "Treatment"
    alternating = step("hold for 20 min as ac 60 Hz")
    assert (alternating.waveform.form.text, said(alternating.waveform.frequency)) == ("ac", "60 Hz")
    assert alternating.waveform.duty is None


def test_the_prescription_in_one_line() -> None:
    node = step("deliver 40 mA.min at current ramping 30 s")
    assert (said(node.dose), said(node.current), said(node.ramping)) == ("40 mA.min", "current", "30 s")
    assert step("deliver 1 mC at 0.1 mA/cm2 rounded down ramping 3 s").rounded_down


def test_waits_and_reversals() -> None:
    wait = step('wait 30 min "Sweat collection"')
    assert (said(wait.duration), wait.label.value) == ("30 min", "Sweat collection")
    assert step("wait x").label is None
    assert step('reverse polarity despite "why"').remarks.despite.value == "why"


def test_repetitions() -> None:
    counted = step("repeat 7 times every 80 s { hold for 10 s }")
    assert (said(counted.count), said(counted.period), counted.until) == ("7", "80 s", None)
    assert counted.bound_is_count
    assert len(counted.steps) == 1
    waiting = step("repeat until sweating <= 1 at most 4 times { wait 1 s wait 2 s }")
    assert (said(waiting.until), said(waiting.bound), waiting.count) == ("(sweating <= 1)", "4", None)
    assert waiting.bound_is_count
    assert len(waiting.steps) == 2
    assert not step("repeat until x at most 30 min { }").bound_is_count


def test_choices() -> None:
    node = step("if age < 18 yr { wait 1 s } else if adult { wait 2 s wait 3 s } else { wait 4 s }")
    assert said(node.condition) == "(age < 18 yr)"
    assert [said(one.duration) for one in node.then] == ["1 s"]
    (second,) = node.otherwise
    assert isinstance(second, surface.If)
    assert len(second.then) == 2
    assert len(second.otherwise) == 1
    assert step("if a { }").otherwise == ()


def test_what_people_do_around_the_session() -> None:
    before = item('before { confirm "clean" instruct "tell" icd10cm "x" ask pain: 0 .. 10 }')
    assert before.when == "before"
    assert [type(one).__name__ for one in before.steps] == ["Tell", "Tell", "Variable"]
    assert [one.mode for one in before.steps[:2]] == ["confirm", "instruct"]
    assert item('after { record skin: none | erythema "Skin" }').steps[0].role == "record"


def test_tables_of_meaning() -> None:
    node = step(
        'classify chloride { < 30 mmol/L: "unlikely" 30 mmol/L .. < 60 mmol/L: "intermediate" '
        '> 60 mmol/L .. 70 mmol/L: "x" >= 60 mmol/L: "supports" }'
    )
    assert node.subject.text == "chloride"
    shown = [
        tuple((said(end.value), end.inclusive) if end else None for end in (row.low, row.high))
        for row in node.rows
    ]
    assert shown == [
        (None, ("30 mmol/L", False)),
        (("30 mmol/L", True), ("60 mmol/L", False)),
        (("60 mmol/L", False), ("70 mmol/L", True)),
        (("60 mmol/L", True), None),
    ]
    assert [row.meaning.value for row in node.rows] == ["unlikely", "intermediate", "x", "supports"]


def test_doses_on_demand() -> None:
    node = step(
        'on demand "Dose" basal 10 uA lockout 10 min from start at most 6 in any 1 h '
        "at most 80 times within 24 h "
        "{ ramp to 170 uA above basal over 5 s }"
    )
    assert node.label.value == "Dose"
    assert (said(node.basal), said(node.lockout), node.lockout_from) == ("10 uA", "10 min", "start")
    assert [(said(one.count_max), said(one.window), one.sliding) for one in node.counts] == [
        ("6", "1 h", True),
        ("80", "24 h", False),
    ]
    assert len(node.steps) == 1
    assert step('on demand "Dose" lockout 10 min from end { }').lockout_from == "end"


def test_what_an_interruption_may_do() -> None:
    node = item("interruptions at most 5, each at most 10 min")
    assert (said(node.count_max), said(node.each_max)) == ("5", "10 min")
    assert item("interruptions at most 5").each_max is None
    assert said(item("pause at most 10 min").duration_max) == "10 min"
    assert isinstance(item("no resume"), surface.NoResume)
    assert isinstance(item("may saturate"), surface.MaySaturate)
    slow = item("stop at 0.2 mA/s")
    assert (slow.movement, said(slow.slew)) == ("stop", "0.2 mA/s")
    assert item("resume at 0.2 mA/s").movement == "resume"


def test_monitors() -> None:
    node = item(
        'pause when impedance > 50 kOhm for 2 s until impedance < 30 kOhm "Check contact" hazard H-BURN'
    )
    assert (node.action, said(node.condition)) == ("pause", "(impedance > 50 kOhm)")
    assert (said(node.persistence), said(node.until)) == ("2 s", "(impedance < 30 kOhm)")
    assert node.remarks.text.value == "Check contact"
    assert item("stop when voltage > 40 V").action == "stop"
    assert item("warn when voltage > 40 V").action == "warn"
