"""The shipped library: treatments are proved, tested and laid out; unsafe twins are refused as they say."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from ionto_dsl.compilation import Compilation, CompiledProtocol
from ionto_dsl.driver import compile_file, compile_text
from ionto_dsl.formatter import format_source
from ionto_ir.diagnostic import Severity
from ionto_ir.expectations import failures
from ionto_ir.plan import Plan
from ionto_ir.rehearse import Rehearsed, rehearse
from ionto_ir.scenario import Scenario
from ionto_ir.source import SourceFile
from ionto_verifier.driver import verify
from ionto_verifier.report import Finding, Outcome, VerificationReport, verdict_name
from tests.architecture.tree import ROOT

LIBRARY = ROOT / "protocols" / "ionto_protocols"
TREATMENTS = sorted((LIBRARY / "treatments").glob("*.ionto"))
REFUSED_FOR = "# refused for: "
REGIMENS = sorted((LIBRARY / "regimens").glob("*.ionto"))
SOUND = [path for path in REGIMENS if not path.read_text(encoding="utf-8").startswith(REFUSED_FOR)]
UNSAFE = sorted({*(LIBRARY / "unsafe").glob("*.ionto"), *REGIMENS} - {*SOUND})
EVERYTHING = sorted(LIBRARY.glob("*/*.ionto"))

Mend = tuple[str, str]
"""What stands in a file, and what should."""

# What the project was asked to ship, by a word in the name of the treatment.
WANTED = (
    "plantar_fasciitis",
    "bursitis",
    "palmar_hyperhidrosis",
    "plantar_hyperhidrosis",
    "sweat_test",
    "lidocaine",
)


@cache
def compiled(path: Path) -> Compilation:
    """A file of the library, compiled once for all tests."""
    return compile_file(str(path))


@cache
def judged(path: Path) -> VerificationReport:
    """The verification of a file with one protocol on one device."""
    [protocol] = compiled(path).plans
    return verify(protocol.plan)


def named(path: Path) -> str:
    """How a test shows a file."""
    return path.stem


def test_the_library_has_what_it_was_asked_for() -> None:
    stems = [path.stem for path in TREATMENTS]
    assert [word for word in (*WANTED, "acetic_acid") if not any(word in stem for stem in stems)] == []


@pytest.mark.parametrize("path", [*TREATMENTS, *SOUND], ids=named)
def test_a_treatment_is_proved(path: Path) -> None:
    report = judged(path)
    unproved = [
        f.claim.id for f in report.findings if verdict_name(f.verdict) != "proved" and not f.claim.soft
    ]
    assert (report.outcome, unproved) == (Outcome.PROVED, [])


@pytest.mark.parametrize("path", [*TREATMENTS, *SOUND], ids=named)
def test_no_line_of_a_treatment_is_without_effect(path: Path) -> None:
    warnings = [item for item in judged(path).diagnostics if item.severity is Severity.WARNING]
    assert [item.message for item in warnings] == []


@pytest.mark.parametrize("path", [*TREATMENTS, *SOUND], ids=named)
def test_the_tests_of_a_treatment_pass(path: Path) -> None:
    [protocol] = compiled(path).plans
    assert protocol.scenarios, "a treatment has tests"
    for scenario in protocol.scenarios:
        assert failures(protocol.plan, scenario, rehearse(protocol.plan, scenario)) == ()


@pytest.mark.parametrize("path", EVERYTHING, ids=named)
def test_every_file_is_laid_out_and_compiles_without_warnings_unless_it_is_unsafe(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert format_source(SourceFile(path.name, text)) == text
    if path not in UNSAFE:
        assert [item.message for item in compiled(path).diagnostics] == []


@pytest.mark.parametrize("path", EVERYTHING, ids=named)
def test_every_declaration_has_its_source(path: Path) -> None:
    if path not in UNSAFE:
        assert "source" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", UNSAFE, ids=named)
def test_an_unsafe_twin_is_refused_for_the_reason_that_it_states(path: Path) -> None:
    reason = path.read_text(encoding="utf-8").splitlines()[0].removeprefix(REFUSED_FOR)
    compilation = compiled(path)
    if reason.startswith("I0"):
        assert reason in {item.code for item in compilation.diagnostics}
        assert not compilation.ok
        return
    report = judged(path)
    if reason == "vacuous":
        assert report.outcome is Outcome.UNSETTLED
        assert any(verdict_name(finding.verdict) == "vacuous" for finding in report.findings)
        return
    assert report.outcome is Outcome.REFUTED
    found = [
        f
        for f in report.findings
        if verdict_name(f.verdict) == "refuted" and f.claim.property.value == reason and not f.claim.soft
    ]
    assert found, [f.claim.id for f in report.findings if verdict_name(f.verdict) == "refuted"]
    for finding in found:
        assert_reproduced(report.plan, finding)


def pasted(path: Path, test: str, mend: Mend = ("", "")) -> CompiledProtocol:
    """A file of the library with a test at the end of its protocol, and with something in it mended."""
    text = path.read_text(encoding="utf-8").replace(*mend)
    [protocol] = compile_text(text.rstrip().removesuffix("}") + test + "\n}\n").plans
    return protocol


def failing(protocol: CompiledProtocol) -> list[str]:
    """What the last test of a protocol says."""
    scenario, plan = protocol.scenarios[-1], protocol.plan
    return [item.message for item in failures(plan, scenario, rehearse(plan, scenario))]


@pytest.mark.parametrize("path", [path for path in UNSAFE if compiled(path).ok], ids=named)
def test_the_test_of_a_counterexample_fails_where_it_was_found(path: Path) -> None:
    examples = [f.counterexample for f in judged(path).findings if not f.claim.soft]
    tests = [example.test for example in examples if example is not None]
    assert "" not in tests
    for test in tests:
        assert failing(pasted(path, test)), test


MENDED: dict[str, Mend] = {
    "current_one_step_too_high": ("4.01 mA", "4 mA"),
    "density_small_electrode": ("  active", "  param current: 1 mA .. 3.4 mA = 2 mA step 0.1 mA\n  active"),
    "dose_above_the_day": (".. 80 mA.min", ".. 41 mA.min"),
    "ramp_too_steep": ("over 5 s", "over 8 s"),
    "session_too_long": ("at most 5", "at most 1"),
    "slow_stop": ("0.1 mA/s", "0.5 mA/s"),
    "twice_a_day": ("every 1 day", "every 1 day at least 25 h between sessions"),
    "pacemaker_only_cautioned": ("caution when pacemaker", "refuse when pacemaker"),
    "adjusted_past_the_limit": ("area 25 cm2", "area 41 cm2"),
}


@pytest.mark.parametrize("stem", MENDED)
def test_the_test_of_a_counterexample_passes_once_the_protocol_is_mended(stem: str) -> None:
    path = LIBRARY / "unsafe" / f"{stem}.ionto"
    reason = path.read_text(encoding="utf-8").splitlines()[0].removeprefix(REFUSED_FOR)
    found = [
        f.counterexample.test
        for f in judged(path).findings
        if f.counterexample is not None and f.claim.property.value == reason and not f.claim.soft
    ]
    assert found
    for test in found:
        assert failing(pasted(path, test, MENDED[stem])) == [], test


def assert_reproduced(plan: Plan, finding: Finding) -> None:
    """The machine does what the counterexample says, and the observer sees the limit broken."""
    example = finding.counterexample
    assert example is not None
    if finding.claim.limit is None or example.kept_by_interlock or example.starts_ms:
        return
    scenario: Scenario = example.scenario
    outcome = rehearse(plan, scenario, armed=False)
    assert isinstance(outcome, Rehearsed)
    assert finding.claim.limit in {violation.limit for violation in outcome.violations}
