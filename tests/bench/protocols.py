"""Protocols of any length for measuring: eleven parameters, ramps and holds within the shipped limits."""

from __future__ import annotations

CURRENTS = 9
TIMES = 2
PARAMETERS = CURRENTS + TIMES

_HEAD = """\
import drugs.dexamethasone_phosphate
import electrodes.medium_patch
import electrodes.large_patch
import envelopes.adult_skin
import screening.galvanic
import devices.clinic_dc_4ma

protocol measured_{steps} version "1.0.0" {{
  title  "A protocol of {steps} steps, for measuring"
  source "assumed"

  within adult_skin
  screen galvanic
  device clinic_dc_4ma

  active cathode medium_patch on "forearm" with dexamethasone_phosphate 2.5 mL
  return anode   large_patch  on "upper arm"

"""


def protocol(steps: int, currents: int = CURRENTS) -> str:
    """A safe protocol whose session has `steps` steps (ramps and holds in turn, the last one a ramp to zero).

    Below 1,000 steps of 2 s and 4 s each the session is shorter than an hour and gives less than 80 mA.min.
    """
    assert 2 <= steps <= 1000, "longer sessions would break the limits they are meant to keep"
    lines = [_HEAD.format(steps=steps)]
    for number in range(currents):
        lines.append(f'  param current_{number}: 0.5 mA .. 1 mA = 0.8 mA step 0.1 mA "Current {number}"\n')
    for number in range(TIMES):
        lines.append(f'  param time_{number}: 2 s .. 4 s = 4 s step 1 s "Time {number}"\n')
    lines.append("\n  session {\n")
    for step in range(steps - 1):
        if step % 2 == 0:
            lines.append(f"    ramp to current_{step // 2 % currents} over 2 s\n")
        else:
            lines.append(f"    hold for time_{step // 2 % TIMES}\n")
    lines.append("    ramp to 0 mA over 2 s\n  }\n  interruptions at most 1, each at most 1 min\n")
    lines.append("  course { at least 25 h between sessions }\n}\n")
    return "".join(lines)


def twenty_minutes() -> str:
    """A safe protocol whose session lasts 20 minutes with its usual values."""
    return (
        _HEAD.format(steps=3) + '  param current_0: 0.5 mA .. 2 mA = 2 mA step 0.1 mA "Current"\n\n'
        "  session {\n    ramp to current_0 over 30 s\n    hold for 19 min\n    ramp to 0 mA over 30 s\n  }\n"
        "  interruptions at most 1, each at most 1 min\n  course { at least 25 h between sessions }\n}\n"
    )
