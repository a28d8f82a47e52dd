"""A protocol for tests that needs nothing of the library: one device, one patch, one gentle envelope."""

from __future__ import annotations

from ionto_dsl.compilation import Compilation, CompiledProtocol
from ionto_dsl.driver import Memory, compile_file
from ionto_ir.plan import Plan

EQUIPMENT = """
envelope gentle {
  title "Gentle"
  limit current <= 4 mA
  limit ramp <= 0.5 mA/s
  limit interruptions <= 2
  limit pause <= 5 min
}
device bench {
  title "Bench"
  driver simulated
  current 0 mA .. 4 mA step 10 uA accuracy 2 % + 10 uA
  compliance 80 V
  slew at most 1 mA/s
  tick 100 ms
  watchdog 500 ms
  host gap 250 ms
  waveforms dc
}
electrode patch { area 10 cm2 }
drug salt { ion -1 }
drug metal { ion 2 }
"""


def protocol(items: str, *, active: str = 'active cathode patch on "heel"', more: str = "") -> str:
    """The text of a protocol with these items."""
    return f"""{EQUIPMENT}{more}
protocol example version "1.0.0" {{
  within gentle
  device bench
  {active}
  return anode patch on "calf"
  {items}
}}
"""


def compiled(items: str, *, active: str = 'active cathode patch on "heel"', more: str = "") -> Compilation:
    """What comes of such a protocol."""
    return compile_file(
        "example.ionto", folder=Memory({"example.ionto": protocol(items, active=active, more=more)})
    )


def compiled_protocol(items: str, **others: str) -> CompiledProtocol:
    """The compiled protocol, which must be free of errors."""
    compilation = compiled(items, **others)
    assert compilation.ok, [diagnostic.message for diagnostic in compilation.diagnostics]
    assert len(compilation.plans) == 1
    return compilation.plans[0]


def plan_of(items: str, **others: str) -> Plan:
    """Its plan."""
    return compiled_protocol(items, **others).plan


def session(steps: str, **others: str) -> Plan:
    """The plan of a protocol with this session."""
    return plan_of(f"session {{ {steps} }}", **others)


def codes(items: str, **others: str) -> list[str]:
    """The codes of what is said of such a protocol."""
    return [diagnostic.code for diagnostic in compiled(items, **others).diagnostics]
