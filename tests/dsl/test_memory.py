"""What a course remembers becomes variables, requirements and a reversal at the beginning."""

from __future__ import annotations

from ionto_dsl.driver import Memory, compile_file
from ionto_ir.course import MemoryKind
from ionto_ir.expression import Value, evaluate
from ionto_ir.plan import Branch, Plan, Reverse, VariableKind

HEAD = """
electrode patch { area 10 cm2 }
envelope gentle { title "Gentle" limit current <= 4 mA limit interruptions <= 2 limit pause <= 5 min }
device bench {
  title "Bench" driver simulated current 0 mA .. 4 mA step 10 uA accuracy 2 % + 10 uA compliance 80 V
  slew at most 1 mA/s tick 100 ms watchdog 500 ms host gap 250 ms waveforms dc CHANNELS
}
protocol palms version "1.0.0" {
  within gentle
  device bench
  param current: 1 mA .. 3 mA = 1 mA step 0.1 mA
  after { record dry: yes/no "Dry?" }
"""
ONE = """
  active anode patch on "left palm"
  return cathode patch on "right palm"
  session { deliver 10 mA.min at current ramping 30 s }
"""
TWO = """
  active anode patch on "left palm" channel left
  active anode patch on "right palm" channel right
  return cathode patch on "back" channel left, right
  session {
    channel left { deliver 10 mA.min at current ramping 30 s }
    channel right { deliver 10 mA.min at current ramping 30 s }
  }
"""


def plan_of(course: str, body: str = ONE) -> Plan:
    """A treatment of the palms with a course."""
    channels = "channels 2 return shared" if body is TWO else ""
    text = HEAD.replace("CHANNELS", channels) + body + f"  course {{ {course} }}\n}}\n"
    compilation = compile_file("palms.ionto", folder=Memory({"palms.ionto": text}))
    assert compilation.ok, [item.message for item in compilation.diagnostics]
    return compilation.plans[0].plan


def remembered(plan: Plan) -> list[str]:
    return [item.name for item in plan.variables if item.kind is VariableKind.MEMORY]


def allows(plan: Plan, **values: Value) -> bool:
    named = {name.replace("__", "."): value for name, value in values.items()}
    return all(evaluate(item.condition, named) is True for item in plan.requirements)


def test_a_step_is_asked_of_every_session_but_the_first() -> None:
    plan = plan_of("carry current from previous session plus at most 0.5 mA first at most 1.2 mA")
    assert remembered(plan) == ["course.session", "previous.current"]
    first = {"course__session": 1, "previous__current": 1_000_000}
    later = {"course__session": 2, "previous__current": 1_000_000}
    assert allows(plan, current=1_200_000, **first) and not allows(plan, current=1_300_000, **first)
    assert allows(plan, current=1_500_000, **later) and not allows(plan, current=1_600_000, **later)
    high = {"previous__current": 3_000_000, "current": 1_000_000}
    assert allows(plan, course__session=6, **high), "down is free"
    assert not allows(plan, course__session=5, **high), "four sessions cannot have climbed so high"


def test_without_a_step_a_value_stays_as_it_was() -> None:
    plan = plan_of("carry current from previous session")
    assert allows(plan, current=2_000_000, course__session=1, previous__current=1_000_000)
    assert allows(plan, current=2_000_000, course__session=9, previous__current=2_000_000)
    assert not allows(plan, current=2_000_000, course__session=9, previous__current=1_000_000)


def test_the_number_of_a_session_is_bounded_by_its_course() -> None:
    plan = plan_of("at most 6 sessions carry current from previous session")
    (number,) = [item for item in plan.variables if item.name == "course.session"]
    assert (number.domain.lo, number.domain.hi) == (1, 6)  # type: ignore[union-attr]


def test_what_nobody_speaks_of_is_not_kept() -> None:
    assert remembered(plan_of("every 1 day")) == []
    assert remembered(plan_of("every 1 day carry dry from previous session first no")) == []


def test_a_carried_polarity_is_a_choice_at_zero_before_the_first_step() -> None:
    plan = plan_of("carry polarity from previous session reversed when dry")
    assert [type(step) for step in plan.steps[:2]] == [Branch, Reverse]
    assert plan.course is not None
    (memory,) = plan.course.memories
    assert memory.kind is MemoryKind.POLARITY
    assert memory.swap_when is not None and evaluate(memory.swap_when, {"dry": True}) is True


def test_a_carried_polarity_turns_every_channel() -> None:
    plan = plan_of("carry polarity from previous session reversed", TWO)
    assert len(plan.channels) == 2
    for channel in plan.channels:
        assert [type(step) for step in channel.steps[:2]] == [Branch, Reverse]
