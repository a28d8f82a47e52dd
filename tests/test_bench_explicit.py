"""spin, rumur and the functions that run in a session agree on a small instance, and no output but a complete
search is taken for `holds`.

Where `IONTO_NO_SKIP` is set, as in continuous integration, a missing checker is a failure.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ionto_ir.dataclass import replace
from ionto_verifier.machine_proof import Finding, prove_machine
from tests.bench.explicit import Row, agreed, compare, touched
from tests.bench.explicit_model import MACHINE, Instance, model_of
from tests.bench.explicit_mutants import LINKS, mutants
from tests.bench.explicit_states import explore
from tests.bench.explicit_tools import RUMUR, SPIN, TOOLS, Said, Tool, Verdict, read_rumur, read_spin

SMALL = replace(LINKS, ticks=2, crashes=0)
"""Two ticks are enough for a lost link that costs nothing."""

(FREE_LINK,) = (design for _, design in mutants() if design.name == "a lost link costs nothing")


@pytest.fixture(params=TOOLS, ids=lambda tool: tool.name)
def tool(request: pytest.FixtureRequest) -> Tool:
    found: Tool = request.param
    if found.missing:
        text = f"{found.name} cannot be asked here: please install {', '.join(found.missing)}"
        if os.environ.get("IONTO_NO_SKIP"):
            pytest.fail(text)
        pytest.skip(text)
    return found


def _said(tool: Tool, instance: Instance, folder: Path, *, mutated: bool = False) -> Said:
    model = model_of(instance, FREE_LINK if mutated else MACHINE)
    return tool.ask(model, folder / tool.name, optimised="-O0").said


def test_a_checker_sees_the_states_that_running_the_machine_reaches(tool: Tool, tmp_path: Path) -> None:
    reached = explore(SMALL, MACHINE, model_of(SMALL).variables)
    assert reached.holds and reached.states > 1000
    assert _said(tool, SMALL, tmp_path) == Said(Verdict.HOLDS, reached.states)


def test_a_checker_refutes_a_machine_without_a_safeguard(tool: Tool, tmp_path: Path) -> None:
    assert _said(tool, SMALL, tmp_path, mutated=True).verdict is Verdict.REFUTED


def test_running_the_mutant_breaks_the_cap_too_and_the_theorem_fails_in_its_rows() -> None:
    assert not explore(SMALL, FREE_LINK, model_of(SMALL, FREE_LINK).variables).holds
    rows = touched(FREE_LINK)
    assert {case.name.partition(".")[0] for row in rows for case in row.cases} == {"link_lost"}
    assert prove_machine(rows, FREE_LINK.definitions).finding is Finding.REFUTED


def test_every_mutant_differs_from_the_machine_in_some_row() -> None:
    assert all(touched(design) for _, design in mutants())
    assert touched(MACHINE) == ()


COMPLETE = """\
Full statespace search for:
State-vector 52 byte, depth reached 66, errors: 0
    68764 states, stored
"""


@pytest.mark.parametrize(
    ("code", "output", "said"),
    [
        (0, COMPLETE, Said(Verdict.HOLDS, 68764)),
        (0, COMPLETE.replace("68764", "1.5e+06"), Said(Verdict.HOLDS, 1_500_000)),
        (
            0,
            "pan:1: assertion violated (x<=1) (at depth 9)\n" + COMPLETE.replace("errors: 0", "errors: 1"),
            Said(Verdict.REFUTED, 68764),
        ),
        (
            0,
            "error: max search depth too small\n" + COMPLETE,
            Said(Verdict.INCOMPLETE, 68764, "max search depth too small"),
        ),
        (
            0,
            "pan: out of memory\nWarning: Search not completed\n" + COMPLETE,
            Said(Verdict.INCOMPLETE, 68764, "out of memory"),
        ),
        (
            0,
            "pan:1: invalid end state\n" + COMPLETE.replace("errors: 0", "errors: 1"),
            Said(Verdict.INCOMPLETE, 68764, "68764 states, stored"),
        ),
        (
            0,
            COMPLETE.replace("Full statespace", "Bit statespace"),
            Said(Verdict.INCOMPLETE, 68764, "68764 states, stored"),
        ),
        (1, COMPLETE, Said(Verdict.INCOMPLETE, 68764, "68764 states, stored")),
        (-11, "", Said(Verdict.INCOMPLETE, 0, "it ended with -11: it said nothing")),
    ],
    ids=["complete", "many", "refuted", "depth", "memory", "other error", "not all states", "code", "silent"],
)
def test_only_a_complete_search_of_spin_holds(code: int, output: str, said: Said) -> None:
    assert read_spin(code, output) == said


SUMMARY = '<summary states="64" rules_fired="444" errors="{}" duration_seconds="1"/>'


@pytest.mark.parametrize(
    ("code", "output", "said"),
    [
        (0, SUMMARY.format(0), Said(Verdict.HOLDS, 64)),
        (
            1,
            "<message>invariant &quot;as asked&quot; failed</message>" + SUMMARY.format(1),
            Said(Verdict.REFUTED, 64),
        ),
        (
            1,
            "<message>integer overflow in subtraction</message>" + SUMMARY.format(1),
            Said(Verdict.INCOMPLETE, 64, "integer overflow in subtraction"),
        ),
        (1, SUMMARY.format(0), Said(Verdict.INCOMPLETE, 64, "it ended with 1")),
        (-9, "<rumur_run>", Said(Verdict.INCOMPLETE, 0, "it ended with -9: <rumur_run>")),
    ],
    ids=["complete", "refuted", "overflow", "code", "killed"],
)
def test_only_a_complete_search_of_rumur_holds(code: int, output: str, said: Said) -> None:
    assert read_rumur(code, output) == said


def test_a_search_that_takes_too_long_is_incomplete(tmp_path: Path) -> None:
    endless = replace(SPIN, building=(), search=("sleep", "60"))
    said = endless.ask(model_of(SMALL), tmp_path / "endless", seconds_max=1).said
    assert said == Said(Verdict.INCOMPLETE, 0, "given up after 1 s")


def test_a_program_that_cannot_be_built_is_incomplete(tmp_path: Path) -> None:
    broken = replace(RUMUR, building=(("false",),))
    assert broken.ask(model_of(SMALL), tmp_path / "broken").said.verdict is Verdict.INCOMPLETE


def test_checkers_that_disagree_are_noticed() -> None:
    rows = tuple(Row(name, "ramps", Said(Verdict.HOLDS, n), 0, 0) for name, n in (("a", 7), ("b", 8)))
    with pytest.raises(AssertionError):
        agreed(rows)
    agreed((rows[0], replace(rows[1], said=Said(Verdict.INCOMPLETE, 5, "out of memory"))))


def test_a_missing_checker_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("IONTO_NO_SKIP", "1")
    with pytest.raises(AssertionError, match=r"not installed: spin \(needs spin, cc\); rumur"):
        compare()
