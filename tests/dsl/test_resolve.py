"""What an extension inherits, replaces and adds."""

from __future__ import annotations

from ionto_dsl.driver import Memory, compile_file
from ionto_ir.limits import LimitKind
from ionto_ir.plan import Confirm, Instruct, IntegerDomain, Plan, variable
from tests.dsl.bench_protocol import protocol

PARENT = protocol(
    """
  param current: 1 mA .. 3 mA = 2 mA step 0.1 mA
  ask fever: yes/no "Fever?"
  refuse when fever "Fever"
  require current <= 2.5 mA "Not more than 2.5 mA"
  before { confirm "Skin is clean" }
  session { deliver 10 mA.min at current ramping 30 s }
  after { instruct "Apply a moisturiser" }
  course { every 2 days }
  test "of the parent" { given current = 2 mA expect finished }
"""
)


def _child(items: str, more: str = "") -> Plan:
    text = f'{PARENT}{more}\nprotocol child version "2.0.0" extends example {{ {items} }}\n'
    compilation = compile_file("child.ionto", folder=Memory({"child.ionto": text}), protocol="child")
    assert compilation.ok, [diagnostic.message for diagnostic in compilation.diagnostics]
    (compiled,) = compilation.plans
    assert compiled.scenarios == (), "tests speak of the parent's values"
    return compiled.plan


def test_a_child_inherits_everything_but_name_version_and_tests() -> None:
    plan = _child("")
    assert (plan.name, plan.version) == ("child", "2.0.0")
    assert [type(step).__name__ for step in plan.steps] == [
        "Confirm",
        "Ramp",
        "Hold",
        "Ramp",
        "Instruct",
        "Finish",
    ]
    assert len(plan.rules) == len(plan.requirements) == 1
    assert plan.course is not None and plan.course.gap_days_min == 2


def test_a_child_replaces_a_parameter_of_the_same_name() -> None:
    domain = variable(_child("param current: 1 mA .. 2 mA = 1 mA step 0.1 mA"), "current").domain
    assert isinstance(domain, IntegerDomain) and (domain.hi, domain.default) == (2_000_000, 1_000_000)


def test_a_child_replaces_blocks_as_wholes() -> None:
    plan = _child('before { confirm "Skin is dry" } course { every 3 days }')
    assert [step.text for step in plan.steps if isinstance(step, Confirm)] == ["Skin is dry"]
    assert [step.text for step in plan.steps if isinstance(step, Instruct)] == ["Apply a moisturiser"]
    assert plan.course is not None and plan.course.gap_days_min == 3


def test_a_child_adds_rules_and_requirements_and_cannot_drop_any() -> None:
    plan = _child(
        'ask age: 0 yr .. 120 yr "Age" refuse when age < 18 yr "Adults only" require current > 1 mA "More"'
    )
    assert [rule.text for rule in plan.rules] == ["Fever", "Adults only"]
    assert len(plan.requirements) == 2


def test_a_child_adds_envelopes_and_keeps_those_of_its_parent() -> None:
    plan = _child("within strict", 'envelope strict { title "Strict" limit current <= 2 mA }\n')
    assert [envelope.name for envelope in plan.envelopes] == ["gentle", "strict"]
    bounds = [limit.bound for limit in plan.limits if limit.kind is LimitKind.CURRENT]
    assert bounds == [4_000_000, 2_000_000]


def test_naming_an_envelope_again_does_not_double_its_limits() -> None:
    assert [envelope.name for envelope in _child("within gentle").envelopes] == ["gentle"]


def test_a_child_replaces_all_electrodes_of_a_place() -> None:
    plan = _child('active cathode patch on "toe"')
    assert [electrode.site for electrode in plan.electrodes] == ["toe", "calf"]


def test_a_child_replaces_what_is_said_of_interruptions_as_a_whole() -> None:
    plan = _child("interruptions at most 1, each at most 1 min")
    assert (plan.interruptions.count_max, plan.interruptions.each_ms_max) == (1, 60_000)


def test_inherited_items_keep_the_names_of_their_own_file() -> None:
    files = {
        "parent.ionto": PARENT,
        "child.ionto": 'import parent.example\nprotocol child version "1.0.0" extends example {\n'
        "  stop at 0.2 mA/s\n}\n",
    }
    compilation = compile_file("child.ionto", folder=Memory(files))
    assert compilation.ok, [diagnostic.message for diagnostic in compilation.diagnostics]
    assert compilation.plans[0].plan.device.span.file == "parent.ionto"
    assert compilation.plans[0].plan.span.file == "child.ionto"


def test_a_child_does_not_see_what_only_its_parent_imports() -> None:
    files = {
        "parent.ionto": PARENT,
        "child.ionto": 'import parent.example\nprotocol child version "1.0.0" extends example {\n'
        '  active cathode patch on "toe"\n}\n',
    }
    compilation = compile_file("child.ionto", folder=Memory(files))
    assert [diagnostic.code for diagnostic in compilation.diagnostics] == ["I0201"]


def test_errors_of_a_parent_are_reported_once_for_parent_and_child() -> None:
    text = PARENT.replace("at current ramping", "at curent ramping")
    text += 'protocol child version "2.0.0" extends example { stop at 0.2 mA/s }\n'
    compilation = compile_file("child.ionto", folder=Memory({"child.ionto": text}))
    assert [diagnostic.code for diagnostic in compilation.diagnostics] == ["I0201"]
