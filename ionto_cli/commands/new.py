"""`ionto new`: a small protocol that verifies, as a starting point."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from ionto_cli.exits import Exit
from ionto_cli.files import system_words
from ionto_cli.terminal import complain
from ionto_ir.diagnostic import error

NAME = re.compile(r"[a-z][a-z0-9_]*\Z")

TEMPLATE = """\
import drugs.dexamethasone_phosphate
import electrodes.medium_patch
import electrodes.large_patch
import envelopes.adult_skin
import screening.galvanic
import devices.clinic_dc_4ma

protocol {name} version "0.1.0" {{
  title  "{title}"
  source "Say where the numbers come from; until then nobody should trust them"

  within adult_skin
  screen galvanic
  device clinic_dc_4ma

  active cathode medium_patch on "where the drug goes in" with dexamethasone_phosphate 2.5 mL
  return anode large_patch on "at least 10 cm away"

  param current:    1 mA .. 4 mA = 2 mA step 0.1 mA     "Set to comfort"
  param prescribed: 20 mA.min .. 40 mA.min = 40 mA.min  "Prescribed dose"

  before {{
    confirm "Skin is clean and dry; abrasions are covered with petroleum jelly"
  }}

  session {{
    ramp to current over 30 s
    hold until total prescribed
    ramp to 0 mA over 30 s
  }}
  interruptions at most 3, each at most 5 min

  after {{
    instruct "Apply a moisturiser to the treated skin"
    record skin: none | erythema | blister "Skin under the electrodes"
  }}

  course {{
    every 2 days
    at least 25 h between sessions
    at most 6 sessions within 15 days
  }}

  test "a pacemaker is refused" {{ given pacemaker = yes expect refused }}
  test "the usual dose" {{ given current = 2 mA expect delivered = 40 mA.min expect duration <= 22 min }}
}}
"""


def run(arguments: argparse.Namespace) -> Exit:
    """Write NAME.ionto, unless something of that name is there."""
    name = arguments.name.removesuffix(".ionto")
    if not NAME.match(name):
        return _refuse(
            f"`{name}` cannot be the name of a protocol",
            "use lower-case letters, digits and underscores, a letter first: `plantar_heel`",
        )
    path = Path(f"{name}.ionto")
    title = name.replace("_", " ").capitalize()
    # Laid out by the formatter, so that what a beginner sees first is what `ionto fmt` would write.
    text = _formatted(TEMPLATE.format(name=name, title=title), path.name)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return _refuse(f"`{path}` is there already", "choose another name, or move that file away")
    except OSError as problem:
        return _refuse(
            f"cannot write `{path}`: {system_words(problem)}", "choose a folder that you may write to"
        )
    print(f"wrote {path}\nnext: ionto verify {path}")
    return Exit.PROVED


def _formatted(text: str, name: str) -> str:
    from ionto_dsl.formatter import format_source
    from ionto_ir.source import SourceFile

    formatted = format_source(SourceFile(name, text))
    assert isinstance(formatted, str), "our own template parses"
    return formatted


def _refuse(message: str, advice: str) -> Exit:
    return complain(error("I0903", message, None, help=advice))
