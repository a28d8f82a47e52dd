"""What the bench measures is a real protocol: it compiles without a word and is proved."""

from __future__ import annotations

import pytest

from ionto_dsl.driver import compile_text
from ionto_ir.plan import VariableKind
from ionto_verifier.driver import Options, verify
from tests.bench.protocols import PARAMETERS, protocol, twenty_minutes


@pytest.mark.parametrize("steps", [20, 100, 1000])
def test_a_measured_protocol_has_its_length_and_nothing_is_said_of_it(steps: int) -> None:
    compilation = compile_text(protocol(steps))
    assert compilation.diagnostics == ()
    (compiled,) = compilation.plans
    assert len(compiled.plan.steps) == steps + 1
    parameters = [item for item in compiled.plan.variables if item.kind is VariableKind.PARAMETER]
    assert len(parameters) == PARAMETERS


@pytest.mark.parametrize("text", [protocol(20), twenty_minutes()], ids=["20 steps", "20 minutes"])
def test_a_measured_protocol_is_proved(text: str) -> None:
    assert verify(compile_text(text).plans[0].plan, Options(advice=False)).proved
