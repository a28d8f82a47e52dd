"""What the compiler makes of a treatment's text means the same as the plain lowering of the tests."""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, assume, given, settings

from ionto_dsl.driver import compile_text
from ionto_ir.bind import bind_disarmed
from ionto_ir.dry_run import obliging, run, usual_value
from ionto_ir.expression import Value
from ionto_ir.plan import Plan
from ionto_ir.scenario import Occurrence
from ionto_ir.trace import stretches
from ionto_ir.wellformed import check
from ionto_ir.wellformed_bounds import domain_interval
from tests.differential.drawing import Drawing
from tests.differential.reference import meaning_of
from tests.strategies import timelines, treatments, values
from tests.treatment_source import source_of
from tests.treatments import BENCH, Treatment, plan_of

REFUSED_ON_PURPOSE = {"I0417"}
"""A total that what comes before it passes already: the generator may write one, and the compiler says so."""


def compiled(treatment: Treatment) -> Plan | None:
    """The plan, or None when the text says something that the language refuses for a known reason."""
    compilation = compile_text(source_of(treatment))
    if not compilation.ok:
        errors = {item.code for item in compilation.diagnostics if item.severity.value == "error"}
        assert errors <= REFUSED_ON_PURPOSE, (errors, source_of(treatment))
        return None
    (protocol,) = compilation.plans
    return protocol.plan


WIDE, WIDE_TREATMENTS = 12, 60
"""Of the treatments that are drawn so many are compared; some say what the language cannot."""


def flowing(plan: Plan, drawing: Drawing) -> list[object]:
    """What is emitted when and in which waveform, with the highest of what may be entered."""
    values = {item.name: usual_value(item) for item in plan.variables}
    entered = {item.name: domain_interval(item.domain)[1] for item in drawing.found}
    trace = run(bind_disarmed(plan, values), obliging(entered)).trace
    return [
        trace.end_ms,
        *((item.from_ms, item.setpoint_na, item.on, item.waveform) for item in stretches(trace)),
    ]


def test_what_is_drawn_wide_means_the_same_in_every_tick() -> None:
    compared = 0
    for number in range(WIDE_TREATMENTS):
        drawing = Drawing(Random(f"wide {number}"), BENCH.step_na, wide=True)
        treatment = drawing.treatment(doses=False, watched=False)
        plan = None if "Late(" in repr(treatment) else compiled(treatment)
        if plan is not None and compared < WIDE:
            compared += 1
            emitted, plainly = (flowing(item, drawing) for item in (plan, plan_of(treatment)))
            assert emitted == plainly, source_of(treatment)
    assert compared == WIDE


@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(treatments(), values(), timelines())
def test_both_lowerings_mean_the_same_in_every_tick(
    treatment: Treatment, given_values: dict[str, Value], events: tuple[Occurrence, ...]
) -> None:
    plan = compiled(treatment)
    assume(plan is not None)
    assert plan is not None
    plain = plan_of(treatment)
    assert check(plan) == ()
    assert (plan.stop_slew_na_s, plan.resume_slew_na_s) == (plain.stop_slew_na_s, plain.resume_slew_na_s)
    assert meaning_of(plan, given_values, events) == meaning_of(plain, given_values, events)
